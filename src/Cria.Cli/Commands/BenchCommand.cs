using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Cria.Generation;
using Cria.Models;

namespace Cria.Cli.Commands;

/// <summary>`cria bench`: how fast a model reads prompts and writes answers on this machine.</summary>
static class BenchCommand
{
    const int ChunkRows = 512; // as many prompt tokens as one step of the scheduler reads at most

    /// <summary>What is measured.</summary>
    sealed record Plan(int Prompt, int Generate, int Repetitions, int Depth, int Parallel, int Prefix);

    sealed record Result(double[] PrefillTps, double[] DecodeTps, double LoadSeconds, double FirstTokenSeconds, double? PrefixSeconds, long PeakBytes)
    {
        public void Write(Utf8JsonWriter json)
        {
            Write("prefill_tps", PrefillTps, json);
            Write("decode_tps", DecodeTps, json);
            json.WriteNumber("load_s", LoadSeconds);
            json.WriteNumber("ttft_s", FirstTokenSeconds);
            if (PrefixSeconds is { } seconds)
                json.WriteNumber("ttft_prefix_s", seconds);
            json.WriteNumber("peak_rss_bytes", PeakBytes);
        }

        static void Write(string name, double[] values, Utf8JsonWriter json)
        {
            json.WriteStartArray(name);
            foreach (var value in values)
                json.WriteNumberValue(value);
            json.WriteEndArray();
        }
    }

    public static Command Create()
    {
        var prompt = Count("-p", 128, 0, "Prompt tokens of each conversation");
        var generate = Count("-n", 32, 0, "Tokens that each conversation writes");
        var repetitions = Count("-r", 3, 1, "Repetitions, after one that does not count");
        var depth = Count("-d", 0, 0, "Tokens in the cache of each conversation before the clock starts");
        var parallel = Count("--parallel", 1, 1, "Conversations at once; tokens/s are of all together", most: 1024);
        var prefix = Count("--prefix", 0, 0, "Tokens before the prompt that are the same in all conversations; also measures the wait for the first token once they are cached");
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("bench", "Measures tokens/s.") { prompt, generate, repetitions, depth, parallel, prefix, json };
        var run = new ModelOptionsBinder(command);
        command.SetAction(async (r, cancellation) =>
        {
            var plan = new Plan(r.GetValue(prompt), r.GetValue(generate), r.GetValue(repetitions), r.GetValue(depth), r.GetValue(parallel), r.GetValue(prefix));
            var path = run.Path(r);
            var clock = Stopwatch.StartNew();
            using var model = TextModel.Load(path, run.Options(r));
            var result = await MeasureAsync(model, plan, clock.Elapsed.TotalSeconds, cancellation);
            if (r.GetValue(json))
                Output.Json(result.Write);
            else
                Print(result);
            return 0;
        });
        return command;
    }

    static Option<int> Count(string name, int usual, int least, string description, int most = int.MaxValue) =>
        new Option<int>(name) { Description = description, DefaultValueFactory = _ => usual }.Bounded(least, most);

    static async Task<Result> MeasureAsync(TextModel model, Plan plan, double loadSeconds, CancellationToken cancellation)
    {
        var positions = (long)plan.Depth + plan.Prefix + plan.Prompt + plan.Generate;
        if (positions > model.Config.MaxPositions)
            throw new CriaException($"{positions} tokens do not fit the model's context of {model.Config.MaxPositions}");
        Measure(model, plan, cancellation);
        var runs = new List<(double Prefill, double Decode)>();
        for (var n = 0; n < plan.Repetitions; n++)
            runs.Add(Measure(model, plan, cancellation));

        var cold = await WaitAsync(model, plan, prefixBytes: 0, cancellation);
        var warm = plan.Prefix == 0 ? (double?)null : await WaitAsync(model, plan, prefixBytes: null, cancellation);
        return new([.. runs.Select(x => x.Prefill)], [.. runs.Select(x => x.Decode)], loadSeconds, cold, warm, Process.GetCurrentProcess().PeakWorkingSet64);
    }

    /// <summary>The median wait for the first token, of requests one after another that begin with the same prefix; a first one does not count.</summary>
    static async Task<double> WaitAsync(TextModel model, Plan plan, long? prefixBytes, CancellationToken cancellation)
    {
        using var generator = new Generator(model, options: new() { PrefixBytes = prefixBytes });
        var waits = new List<double>();
        for (var n = 0; n <= plan.Repetitions; n++)
        {
            int[] ids = [.. Enumerable.Range(0, Math.Max(1, plan.Prefix + plan.Prompt)).Select(at => Token(model, at, at < plan.Prefix ? 0 : n))];
            var clock = Stopwatch.StartNew();
            await foreach (var _ in generator.GenerateAsync(ids, new() { MaxTokens = 1 }, cancellation))
                waits.Add(clock.Elapsed.TotalSeconds);
        }
        return Median([.. waits.Skip(1)]);
    }

    static int Token(TextModel model, int position, int conversation) => (int)((position * 7919L + conversation) % model.Config.VocabularySize);

    static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    /// <summary>Tokens/s of one run with fresh sequences.</summary>
    static (double Prefill, double Decode) Measure(TextModel model, Plan plan, CancellationToken cancellation)
    {
        var sequences = Enumerable.Range(0, plan.Parallel).Select(_ => model.CreateSequence()).ToList();
        try
        {
            var logits = new float[plan.Parallel * model.Config.VocabularySize];
            Read(plan.Depth);
            var prefill = Time(() => Read(plan.Prefix + plan.Prompt));
            var decode = Time(() =>
            {
                for (var n = 0; n < plan.Generate; n++)
                    model.Forward([.. sequences.Select((s, i) => new Row(s, s.Length, Token(model, s.Length, i), WantsLogits: true))], logits, cancellation);
            });
            return (Rate(plan.Prefix + plan.Prompt, prefill), Rate(plan.Generate, decode));

            void Read(int count)
            {
                var start = sequences[0].Length;
                var rows = sequences.SelectMany((s, i) => Enumerable.Range(start, count)
                    .Select(at => new Row(s, at, Token(model, at, at - start < plan.Prefix ? 0 : i), WantsLogits: at == start + count - 1)));
                foreach (var chunk in rows.Chunk(ChunkRows))
                    model.Forward(chunk, logits.AsSpan(0, chunk.Count(r => r.WantsLogits) * model.Config.VocabularySize), cancellation);
            }
        }
        finally
        {
            sequences.ForEach(s => s.Dispose());
        }

        double Rate(int tokens, double seconds) => tokens == 0 ? 0 : plan.Parallel * tokens / seconds;
    }

    static double Time(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalSeconds;
    }

    static void Print(Result result)
    {
        Console.Out.WriteLine(FormattableString.Invariant($"prefill      {Median(result.PrefillTps):F1} tokens/s"));
        Console.Out.WriteLine(FormattableString.Invariant($"decode       {Median(result.DecodeTps):F1} tokens/s"));
        Console.Out.WriteLine(FormattableString.Invariant($"first token  {result.FirstTokenSeconds:F3} s"));
        if (result.PrefixSeconds is { } seconds)
            Console.Out.WriteLine(FormattableString.Invariant($"             {seconds:F3} s after a cached prefix, 1/{result.FirstTokenSeconds / seconds:F1}"));
        Console.Out.WriteLine(FormattableString.Invariant($"load         {result.LoadSeconds:F3} s"));
        Console.Out.WriteLine(FormattableString.Invariant($"peak memory  {result.PeakBytes / 1e6:F0} MB"));
    }
}
