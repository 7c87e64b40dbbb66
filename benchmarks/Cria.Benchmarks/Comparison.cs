using System.Diagnostics;
using System.Globalization;
using Cria.Kernels;
using Cria.Models;

namespace Cria.Benchmarks;

/// <summary>
/// `compare [RECIPE...] [--size 1b|3b] [--depth N] [--kv f16|q8_0] [--only prefill|decode] [--repeat N]`: Cria and llama.cpp on the same
/// random GGUF, in turns, in one run: medians and their ratio, beside the machine's read bandwidth and int8 peak. llama.cpp is the npm
/// package of benchmarks/llama-cpp (`npm ci` there first), run by node; both keep their weights loaded and rest while the other works.
/// </summary>
static class Comparison
{
    const int DecodeTokens = 24;

    public static void Run(string[] args)
    {
        var options = args.Index().Where(a => a.Item.StartsWith("--", StringComparison.Ordinal)).ToDictionary(a => a.Item, a => args[a.Index + 1]);
        var recipes = args.Where((a, i) => !a.StartsWith("--", StringComparison.Ordinal) && (i == 0 || !options.ContainsKey(args[i - 1]))).DefaultIfEmpty("q4_0");
        var size = options.GetValueOrDefault("--size", "1b");
        var depth = int.Parse(options.GetValueOrDefault("--depth", "0"), CultureInfo.InvariantCulture);
        var kv = options.GetValueOrDefault("--kv", "f16");
        var only = options.GetValueOrDefault("--only");
        var repeat = int.Parse(options.GetValueOrDefault("--repeat", "3"), CultureInfo.InvariantCulture);
        foreach (var recipe in recipes)
            Compare(RandomModel.Kept(size, recipe), depth, kv, only, repeat);
    }

    static void Compare(string path, int depth, string kv, string? only, int repeat)
    {
        var threads = Environment.ProcessorCount;
        using var peer = new Peer(path, threads, Math.Max(1024, depth + 256), kv == "q8_0" ? "Q8_0" : "F16");
        using var ours = new Ours(path, threads, kv == "q8_0" ? KvType.Q8_0 : KvType.F16);
        Console.WriteLine($"{Path.GetFileName(path)}, {threads} threads, {kv} cache");
        if (only != "decode")
            foreach (var tokens in new[] { 128, 512 })
                Turns($"prefill {tokens}", tokens, repeat, () => ours.Prefill(tokens), () => peer.Ask($"prefill {tokens}"), _ => "");
        if (only == "prefill")
            return;
        using var pool = new WorkerPool(threads);
        Turns($"decode at {depth}", DecodeTokens, repeat, () => ours.Decode(depth, DecodeTokens), () => peer.Ask($"decode {depth} {DecodeTokens}"), seconds =>
        {
            var read = ours.Bytes * DecodeTokens / seconds / 1e9;
            var probe = Probes.ReadBandwidth(pool, 4);
            return $"; {read:f1} GB/s of weights and cache, probe {probe:f1}: {read / probe:p0}";
        });
    }

    static void Turns(string what, int tokens, int repeat, Func<double> ours, Func<double> peer, Func<double, string> remark)
    {
        List<double> mine = [], theirs = [];
        ours();
        peer();
        for (var i = 0; i < repeat; i++)
        {
            mine.Add(ours());
            theirs.Add(peer());
        }
        var (a, b) = (Median(mine), Median(theirs));
        Console.WriteLine($"  {what}: Cria {tokens / a:f1}, llama.cpp {tokens / b:f1} tokens/s: {b / a:f2}x (best {tokens / mine.Min():f1}, {tokens / theirs.Min():f1}){remark(a)}");
    }

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    sealed class Ours : IDisposable
    {
        readonly TextModel _model;
        readonly float[] _logits;
        readonly Sequence _sequence;
        readonly long _fileBytes;

        public Ours(string path, int threads, KvType kv)
        {
            _fileBytes = new FileInfo(path).Length;
            _model = TextModel.Load(path, new ModelOptions { Threads = threads, Kv = kv });
            _logits = new float[_model.Config.VocabularySize];
            _sequence = _model.CreateSequence();
        }

        /// <summary>What a decoded token reads.</summary>
        public long Bytes => _fileBytes + _model.CacheBytes;

        public double Prefill(int tokens)
        {
            _sequence.Truncate(0);
            var start = Stopwatch.GetTimestamp();
            Read(tokens);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        public double Decode(int depth, int tokens)
        {
            if (_sequence.Length < depth)
                Prefill(depth);
            _sequence.Truncate(depth);
            var (start, token) = (0L, 1);
            for (var i = 0; i <= tokens; i++)
            {
                _model.Forward([new Row(_sequence, _sequence.Length, token, true)], _logits);
                token = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(_logits);
                if (i == 0)
                    start = Stopwatch.GetTimestamp();
            }
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        void Read(int tokens) => _model.Forward([.. Enumerable.Range(0, tokens).Select(i => new Row(_sequence, i, 1 + i * 7 % 1000, false))], []);

        public void Dispose()
        {
            _sequence.Dispose();
            _model.Dispose();
        }
    }

    /// <summary>llama.cpp in a process of its own.</summary>
    sealed class Peer : IDisposable
    {
        readonly Process _process;

        public Peer(string path, int threads, int context, string kv)
        {
            _process = Process.Start(new ProcessStartInfo("node", ["measure.mjs", Path.GetFullPath(path), $"{threads}", $"{context}", kv])
            {
                WorkingDirectory = Path.Combine("benchmarks", "llama-cpp"),
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            })!;
            for (string? line; (line = _process.StandardOutput.ReadLine()) != "ready";)
                if (line is null)
                    throw new InvalidOperationException("llama.cpp did not start: run `npm ci` in benchmarks/llama-cpp");
        }

        public double Ask(string what)
        {
            _process.StandardInput.WriteLine(what);
            return double.Parse(_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("llama.cpp has ended"), CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            _process.Kill();
            _process.Dispose();
        }
    }
}
