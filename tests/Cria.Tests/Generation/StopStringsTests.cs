using Cria.Generation;
using CsCheck;

namespace Cria.Tests.Generation;

public sealed class StopStringsTests
{
    static readonly Gen<string> Letters = Gen.Char["abc"].Array[0, 40].Select(c => new string(c));

    [Fact]
    public void StreamingInAnyPiecesCutsWhereTheWholeTextIsCut() =>
        Gen.Select(Letters, Gen.Char["abc"].Array[1, 4].Select(c => new string(c)).Array[0, 3], Gen.Int[0, 5].Array[40]).Sample((text, stops, lengths) =>
        {
            var streamed = new StopStrings(stops);
            var released = "";
            var at = 0;
            foreach (var length in lengths.Append(text.Length))
            {
                var piece = text.Substring(at, Math.Min(length, text.Length - at));
                at += piece.Length;
                released += streamed.Push(piece);
                if (!streamed.Found) // nothing is held back that cannot be the beginning of a stop string
                    Assert.True(released.Length == at || stops.Any(s => s.StartsWith(text[released.Length..at], StringComparison.Ordinal)));
            }
            released += streamed.Flush();
            var cut = Cut(text, stops);
            Assert.Equal(cut ?? text, released);
            Assert.Equal(cut is not null, streamed.Found);
        }, iter: 3000);

    [Fact]
    public void AStopStringMayStraddlePieces()
    {
        var stops = new StopStrings(["\nUser:"]);
        Assert.Equal("Hello", stops.Push("Hello\n"));
        Assert.Equal("\nU.", stops.Push("U.")); // released: it cannot match any more
        Assert.Equal(" Bye", stops.Push(" Bye\nUs"));
        Assert.Equal("", stops.Push("er: what"));
        Assert.True(stops.Found);
        Assert.Equal("", stops.Push("more") + stops.Flush());
    }

    [Fact]
    public void TheStopStringThatCompletesFirstWins()
    {
        Assert.Equal("a", new StopStrings(["abcd", "bc"]).Push("abcd"));
        Assert.Equal("x", new StopStrings(["bc", "abc"]).Push("xabc")); // with one character: the longest
    }

    static string? Cut(string text, string[] stops)
    {
        for (var end = 0; end <= text.Length; end++)
            if (stops.Where(s => text[..end].EndsWith(s, StringComparison.Ordinal)).MaxBy(s => s.Length) is { } stop)
                return text[..(end - stop.Length)];
        return null;
    }
}
