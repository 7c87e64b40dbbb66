using System.Globalization;
using System.Text;
using Cria.Tokenization;

namespace Cria.Tests.Tokenization;

/// <summary>Spec sections 5.3 and 5.4 word for word and as slowly as they read: what the fast code must equal.</summary>
static class ReferenceTokenizer
{
    public static List<int> Encode(Tokenizer tokenizer, string text)
    {
        var ranks = Ranks.GetValue(tokenizer, t => Enumerable.Range(0, t.OrdinaryCount)
            .ToDictionary(id => Convert.ToHexString(t.TokenBytes(id))));
        return [.. Split(text).SelectMany(piece => Merge(ranks, Encoding.UTF8.GetBytes(piece)))];
    }

    static readonly System.Runtime.CompilerServices.ConditionalWeakTable<Tokenizer, Dictionary<string, int>> Ranks = [];

    public static IEnumerable<string> Split(string text)
    {
        var runes = text.EnumerateRunes().ToList(); // a lone surrogate reads as U+FFFD
        for (var p = 0; p < runes.Count;)
        {
            var length = PieceLength(runes, p);
            yield return string.Concat(runes.Skip(p).Take(length));
            p += length;
        }
    }

    static int PieceLength(List<Rune> t, int p)
    {
        int Run(int from, Func<Rune, bool> which) => t.Skip(from).TakeWhile(which).Count();
        foreach (var suffix in new[] { "s", "t", "re", "ve", "m", "ll", "d" })
            if (t[p].Value == '\'' && p + suffix.Length < t.Count && suffix.Index().All(s => Fold(t[p + 1 + s.Index]) == s.Item))
                return 1 + suffix.Length;
        if (Run(p, IsLetter) is var letters and > 0)
            return letters;
        if (t[p].Value is not ('\r' or '\n') && !IsNumber(t[p]) && Run(p + 1, IsLetter) is var prefixed and > 0)
            return 1 + prefixed;
        if (Run(p, IsNumber) is var numbers and > 0)
            return Math.Min(3, numbers);
        var space = t[p].Value == ' ' ? 1 : 0;
        if (Run(p + space, r => !IsSpace(r) && !IsLetter(r) && !IsNumber(r)) is var others and > 0)
            return space + others + Run(p + space + others, IsNewLine);
        var run = Run(p, IsSpace);
        var last = t.FindLastIndex(p + run - 1, run, IsNewLine);
        return last >= 0 ? last - p + 1 : p + run == t.Count || run == 1 ? run : run - 1;
    }

    static char Fold(Rune r) => r.Value == 0x17F ? 's' : r.IsAscii ? char.ToLowerInvariant((char)r.Value) : '\0';

    static bool IsNewLine(Rune r) => r.Value is '\r' or '\n';

    static bool IsSpace(Rune r) => Rune.IsWhiteSpace(r);

    static bool IsLetter(Rune r) => Rune.IsLetter(r);

    static bool IsNumber(Rune r) => Rune.GetUnicodeCategory(r) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    static List<int> Merge(Dictionary<string, int> ranks, byte[] piece)
    {
        if (ranks.TryGetValue(Convert.ToHexString(piece), out var whole))
            return [whole];
        var parts = piece.Select(b => new[] { b }).ToList();
        while (true)
        {
            var pairs = Enumerable.Range(0, parts.Count - 1).Select(i => ranks.GetValueOrDefault(Convert.ToHexString([.. parts[i], .. parts[i + 1]]), int.MaxValue)).ToList();
            if (pairs.Count == 0 || pairs.Min() == int.MaxValue)
                return [.. parts.Select(p => ranks[Convert.ToHexString(p)])];
            var best = pairs.IndexOf(pairs.Min());
            parts[best] = [.. parts[best], .. parts[best + 1]];
            parts.RemoveAt(best + 1);
        }
    }
}
