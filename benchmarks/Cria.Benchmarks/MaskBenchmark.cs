using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using Cria.Generation.Constraints;
using Cria.Tokenization;

namespace Cria.Benchmarks;

/// <summary>
/// Constraints from real-world schemas (MaskBench): for every token of every instance the mask of the vocabulary, then a step. Prints
/// what fails and one line of JSON with the counts and times.
/// </summary>
static class MaskBenchmark
{
    sealed record Instance(string Text, bool Valid);

    sealed record Case(string Id, JsonElement Schema, Instance[] Tests);

    public static void Run(string[] arguments)
    {
        var at = Array.IndexOf(arguments, "--tokenizer");
        if (at < 0 || at + 1 >= arguments.Length || arguments[0].StartsWith("--", StringComparison.Ordinal))
            throw new CriaException("usage: masks FILE --tokenizer PATH [--json]");
        var tokenizer = Tokenizer.Load(arguments[at + 1]);
        _ = TokenSlices.Of(tokenizer);
        var counts = new Dictionary<string, int> { ["pass"] = 0, ["compile_error"] = 0, ["validation_error"] = 0, ["invalidation_error"] = 0 };
        List<double> masks = [], firsts = [];
        foreach (var line in Lines(arguments[0]))
        {
            var outcome = Judge(JsonSerializer.Deserialize<Case>(line, JsonSerializerOptions.Web)!, tokenizer, masks, firsts);
            counts[outcome]++;
        }
        masks.Sort();
        firsts.Sort();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            schemas = counts.Values.Sum(),
            pass = counts["pass"],
            compile_error = counts["compile_error"],
            validation_error = counts["validation_error"],
            invalidation_error = counts["invalidation_error"],
            tokens = masks.Count,
            mask_us_mean = Math.Round(masks.Average(), 2),
            mask_us_p50 = Percentile(masks, 0.5),
            mask_us_p99 = Percentile(masks, 0.99),
            mask_us_p9999 = Percentile(masks, 0.9999),
            mask_us_max = Percentile(masks, 1),
            first_mask_us_p50 = Percentile(firsts, 0.5),
            first_mask_us_p99 = Percentile(firsts, 0.99),
        }));
    }

    static string Judge(Case schema, Tokenizer tokenizer, List<double> masks, List<double> firsts)
    {
        var text = schema.Schema.GetRawText();
        var start = Stopwatch.GetTimestamp();
        Constraint constraint;
        try
        {
            constraint = Constraint.JsonSchema(text);
        }
        catch (CriaException e)
        {
            Console.WriteLine($"{schema.Id} compile_error {e.Message}");
            return "compile_error";
        }
        _ = constraint.Begin(tokenizer).Mask;
        firsts.Add(Microseconds(start));
        var outcome = "pass";
        foreach (var test in schema.Tests)
        {
            var matcher = constraint.Begin(tokenizer);
            var isAccepted = true;
            var done = 0;
            foreach (var token in tokenizer.Encode(test.Text))
            {
                start = Stopwatch.GetTimestamp();
                var mask = matcher.Mask;
                masks.Add(Microseconds(start));
                if (!(isAccepted = matcher.TryAdvance(token)))
                    break;
                done += tokenizer.TokenBytes(token).Length;
            }
            isAccepted &= matcher.IsComplete;
            if (isAccepted == test.Valid)
                continue;
            Console.WriteLine($"{schema.Id} {(test.Valid ? "validation_error" : "invalidation_error")} at byte {done} of {test.Text[..Math.Min(300, test.Text.Length)]}");
            if (outcome != "invalidation_error")
                outcome = test.Valid ? "validation_error" : "invalidation_error";
        }
        return outcome;
    }

    static IEnumerable<string> Lines(string path)
    {
        using var file = File.OpenRead(path);
        using var reader = new StreamReader(path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file);
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    static double Microseconds(long start) => Stopwatch.GetElapsedTime(start).TotalMicroseconds;

    static double Percentile(List<double> sorted, double part) => Math.Round(sorted[(int)Math.Min(sorted.Count - 1, sorted.Count * part)], 2);
}
