using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using Tokenizer = Cria.Tokenization.Tokenizer;

namespace Cria.Benchmarks;

/// <summary>
/// MB of UTF-8 a second on one thread beside Microsoft.ML.Tokenizers' TiktokenTokenizer with the same vocabulary and pattern:
/// `dotnet run --project benchmarks/Cria.Benchmarks -c Release -- tokenizer PATH/tokenizer.model [FILE...]`. The two take turns in
/// one run; the table has medians of CPU time, so that other work on the machine does not count. Files named are measured too, as one text.
/// </summary>
static class TokenizerComparison
{
    const int Rounds = 7, Repeats = 5;
    const string Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public static void Run(string vocabulary, string[] files)
    {
        var ours = Tokenizer.Load(vocabulary);
        var theirs = TiktokenTokenizer.Create(vocabulary, new RegexPreTokenizer(new Regex(Pattern, RegexOptions.Compiled), null), null);
        var texts = MixedText.Create();
        texts["all of these, mixed"] = Interleave(texts.Values);
        if (files.Length > 0)
            texts["files named"] = string.Join('\n', files.Select(File.ReadAllText));

        Console.WriteLine("| text | MB | tokens | Cria MB/s | ML.Tokenizers MB/s | ratio | same ids |\n|---|---|---|---|---|---|---|");
        foreach (var (name, text) in texts)
        {
            var megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
            var ids = ours.Encode(text);
            var same = theirs.EncodeToIds(text).SequenceEqual(ids);
            var (a, b) = (new double[Rounds], new double[Rounds]);
            for (var round = -2; round < Rounds; round++) // two to warm up
            {
                var (one, two) = (Time(() => ours.Encode(text).Length), Time(() => theirs.EncodeToIds(text).Count));
                if (round >= 0)
                    (a[round], b[round]) = (megabytes / one, megabytes / two);
            }
            Array.Sort(a);
            Array.Sort(b);
            Console.WriteLine($"| {name} | {megabytes:0.00} | {ids.Length} | {a[Rounds / 2]:0.0} | {b[Rounds / 2]:0.0} | {a[Rounds / 2] / b[Rounds / 2]:0.0} | {(same ? "yes" : "no")} |");
        }
    }

    static double Time(Func<int> encode)
    {
        var start = Environment.CpuUsage.TotalTime;
        for (var i = 0; i < Repeats; i++)
            encode();
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds / Repeats;
    }

    /// <summary>The texts in turn, 200 characters of each at a time.</summary>
    static string Interleave(IEnumerable<string> texts)
    {
        const int stretch = 200;
        var list = texts.ToList();
        var mixed = new StringBuilder();
        for (var at = 0; list.Any(t => at < t.Length); at += stretch)
            foreach (var text in list)
                if (at < text.Length)
                    mixed.Append(text.AsSpan(at, Math.Min(stretch, text.Length - at)));
        return mixed.ToString();
    }
}
