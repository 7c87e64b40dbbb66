using Cria.Chat;
using CsCheck;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

public sealed class ReplyReaderTests
{
    [Fact]
    public void TextInAnyPiecesComesBackWhole() =>
        Gen.Select(Gen.Char["[]( )a1=,\n"].Array[0, 12].Select(c => new string(c)), Gen.Int[0, 3].Array[12], Gen.Bool).Sample((text, lengths, mayCall) =>
        {
            var contents = Read(text, lengths, mayCall);
            if (contents.OfType<FunctionCallContent>().Any())
                Assert.StartsWith("[", text.TrimStart());
            else
                Assert.Equal(text, string.Concat(contents.OfType<TextContent>()));
        });

    [Theory]
    [InlineData("[get_weather(city=\"Paris\", days=2), stop()]")]
    [InlineData(" \n[get_weather(city=\"Paris\", days=2), stop()] ")]
    public void ACallListIsHeldBackAndBecomesCalls(string text)
    {
        for (var size = 1; size <= text.Length; size++)
        {
            var contents = Read(text, Enumerable.Repeat(size, text.Length), mayCall: true);
            var calls = contents.Cast<FunctionCallContent>().ToList(); // nothing else
            Assert.Equal(["get_weather", "stop"], calls.Select(c => c.Name));
            Assert.Equal(["Paris", 2L], calls[0].Arguments!.Values);
            Assert.NotEqual(calls[0].CallId, calls[1].CallId);
        }
    }

    [Fact]
    public void OneCallIsTakenWhereOnlyOneIsAllowed() =>
        Assert.Single(new ReplyReader(mayCall: true, manyCalls: false).Push("[a(), b()]", isLast: true));

    [Theory]
    [InlineData("Hello", "")]
    [InlineData("[1", "")]
    [InlineData("[]", "")]
    [InlineData("[name]", "[name")]
    [InlineData("[name x", "[name ")]
    public void TextIsReleasedAsSoonAsItCannotBeACall(string text, string held)
    {
        var reader = new ReplyReader(mayCall: true, manyCalls: true);
        foreach (var c in held)
            Assert.Empty(reader.Push(c.ToString(), isLast: false));
        Assert.Equal(text, ((TextContent)Assert.Single(reader.Push(text[held.Length..], isLast: false))).Text);
        Assert.Equal("[f()]", ((TextContent)Assert.Single(reader.Push("[f()]", isLast: true))).Text);
    }

    [Fact]
    public void WithoutToolsACallIsText() => Assert.Equal("[f()]", string.Concat(Read("[f()]", [1, 1, 1, 1, 1], mayCall: false)));

    static List<AIContent> Read(string text, IEnumerable<int> lengths, bool mayCall)
    {
        var reader = new ReplyReader(mayCall, manyCalls: true);
        var contents = new List<AIContent>();
        var at = 0;
        foreach (var length in lengths)
        {
            var piece = text.Substring(at, Math.Min(length, text.Length - at));
            at += piece.Length;
            contents.AddRange(reader.Push(piece, isLast: false));
        }
        contents.AddRange(reader.Push(text[at..], isLast: true));
        return contents;
    }
}
