using System.Text;
using System.Text.Json;
using Cria.Tokenization;
using CsCheck;

namespace Cria.Tests.Tokenization;

public sealed unsafe class SplitterTests
{
    static List<string> Split(string text)
    {
        var pieces = new List<string>();
        var bytes = Encoding.UTF8.GetBytes(text + "\0");
        fixed (byte* start = bytes)
        {
            byte* at = start, end = start + bytes.Length - 1;
            while (at < end)
            {
                var next = Splitter.NextPiece(at, end);
                pieces.Add(Encoding.UTF8.GetString(at, (int)(next - at)));
                at = next;
            }
        }
        return pieces;
    }

    [Theory]
    [InlineData("I'll can't WE'RE", "I|'ll| can|'t| WE|'RE")]
    [InlineData("it'ſ 'x '", "it|'ſ| '|x| '")]
    [InlineData("a  b   \n\n c\td", "a| | b|   \n\n| c|\td")]
    [InlineData("x \r\n\n  ", "x| \r\n\n|  ")]
    [InlineData("1234567 ½Ⅷ٣٤", "123|456|7| |½Ⅷ٣|٤")]
    [InlineData("hi!!\r\n\n?", "hi|!!\r\n\n|?")]
    [InlineData(" ... a.b", " ...| a|.b")]
    [InlineData("\u3000\u3000ab", "\u3000|\u3000ab")]
    [InlineData("e\u0301a नमस्ते", "e|\u0301a| नमस|\u094Dत|\u0947")]
    [InlineData("\U0001D49Cbc\U00020000 \U0001D7CF1", "\U0001D49Cbc\U00020000| |\U0001D7CF1")]
    [InlineData("a\u001Cb\u180E", "a|\u001Cb|\u180E")]
    public void PiecesAreThoseOfThePattern(string text, string pieces) => Assert.Equal(pieces.Split('|'), Split(text));

    [Fact]
    public void RulesGiveWhatTheSpecificationGives() => SomeText.Valid.Sample(
        text => Assert.Equal(ReferenceTokenizer.Split(text), Split(text)), iter: 3000);

    static List<int> Parts(string text)
    {
        var parts = new List<int>();
        var left = 0;
        for (var rest = text.AsSpan(); !rest.IsEmpty; rest = rest[parts[^1]..])
            parts.Add(Splitter.NextPart(rest, ref left));
        return parts;
    }

    [Fact]
    public void RunsAreCutAt25000CodePoints()
    {
        Assert.Equal([25_000], Parts(new string('a', 25_000)));
        Assert.Equal([25_000, 1], Parts(new string('a', 25_001)));
        Assert.Equal([50_001, 25_000, 1], Parts("a" + new string(' ', 25_000) + new string('b', 50_001)));
    }

    [Fact]
    public void CodePointsBeyondTheFirstPlaneCountOnce() =>
        Assert.Equal([50_000, 2], Parts(string.Concat(Enumerable.Repeat("🦙", 25_001))));

    [Fact]
    public void SeparatorsThatPythonCallsSpaceEndARun() =>
        Assert.Equal([40_001], Parts(new string('a', 20_000) + "\u001C" + new string('a', 20_000)));

    [Fact]
    public void ChunksEndAt400000CodePoints()
    {
        var words = string.Concat(Enumerable.Repeat("word ", 100_000));
        Assert.Equal([400_000, 100_000], Parts(words));
        Assert.Equal([400_001, 100_000], Parts("🦙" + words[1..]));
    }

    [Fact]
    public void EveryCodePointHasTheRecordedClass()
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("tokenizer", "unicode_classes.json")));
        var recorded = new byte[0x110000];
        foreach (var (name, mask) in new[] { ("L", Splitter.Letter), ("N", Splitter.Number), ("S", Splitter.Space) })
            foreach (var range in json.RootElement.GetProperty(name).EnumerateArray())
                recorded.AsSpan(range[0].GetInt32()..(range[1].GetInt32() + 1)).Fill(mask);
        var wrong = Enumerable.Range(0, 0x110000).Where(c => c is < 0xD800 or > 0xDFFF && (Splitter.Classify(c) & ~Splitter.NewLine) != recorded[c]).ToList();
        Assert.True(wrong.Count == 0, $"{wrong.Count} code points: {string.Join(' ', wrong.Take(20).Select(c => $"U+{c:X4}"))}");
    }
}
