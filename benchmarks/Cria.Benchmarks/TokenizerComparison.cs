using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using Tokenizer = Cria.Tokenization.Tokenizer;

namespace Cria.Benchmarks;

/// <summary>
/// MB of UTF-8 a second on one thread beside Microsoft.ML.Tokenizers' TiktokenTokenizer with the same vocabulary and pattern:
/// `dotnet run --project benchmarks/Cria.Benchmarks -c Release -- tokenizer PATH/tokenizer.model [FILE...]`. The two take turns in
/// one run, document after document; the table has medians of CPU time, so that other work on the machine does not count. Files
/// named are measured too.
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
            var documents = Documents(text);
            var tokens = documents.Sum(d => ours.Encode(d).Length);
            var same = documents.All(d => theirs.EncodeToIds(d).SequenceEqual(ours.Encode(d)));
            var (a, b) = (new double[Rounds], new double[Rounds]);
            for (var round = -2; round < Rounds; round++) // two to warm up
            {
                var (one, two) = (Time(documents, d => ours.Encode(d).Length), Time(documents, d => theirs.EncodeToIds(d).Count));
                if (round >= 0)
                    (a[round], b[round]) = (megabytes / one, megabytes / two);
            }
            Array.Sort(a);
            Array.Sort(b);
            Console.WriteLine($"| {name} | {megabytes:0.00} | {tokens} | {a[Rounds / 2]:0.0} | {b[Rounds / 2]:0.0} | {a[Rounds / 2] / b[Rounds / 2]:0.0} | {(same ? "yes" : "no")} |");
        }
    }

    static double Time(List<string> documents, Func<string, int> encode)
    {
        var start = Environment.CpuUsage.TotalTime;
        for (var i = 0; i < Repeats; i++)
            foreach (var document in documents)
                encode(document);
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds / Repeats;
    }

    /// <summary>Whole lines of about 10,000 characters at a time.</summary>
    static List<string> Documents(string text)
    {
        var documents = new List<string>();
        for (var at = 0; at < text.Length;)
        {
            var end = text.IndexOf('\n', Math.Min(at + 10_000, text.Length - 1)) + 1;
            documents.Add(text[at..(end = end == 0 ? text.Length : end)]);
            at = end;
        }
        return documents;
    }

    /// <summary>The texts in turn, a line of each at a time.</summary>
    static string Interleave(IEnumerable<string> texts)
    {
        var lines = texts.Select(t => t.Split('\n')).ToList();
        var mixed = new StringBuilder();
        for (var i = 0; i < lines.Max(l => l.Length); i++)
            foreach (var text in lines.Where(l => i < l.Length))
                mixed.Append(text[i]).Append('\n');
        return mixed.ToString();
    }
}
