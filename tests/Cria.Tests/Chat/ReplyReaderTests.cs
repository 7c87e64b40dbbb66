using Cria.Chat;
using CsCheck;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

public sealed class ReplyReaderTests
{
    static readonly string[] Names = ["a", "b", "f", "get_weather", "stop", "name", "code_interpreter", "brave_search"];

    [Fact]
    public void TextInAnyPiecesComesBackWhole() =>
        Gen.Select(Gen.Char["[]( )a1=,\n<"].Array[0, 12].Select(c => new string(c)), Gen.Int[0, 3].Array[12], Gen.Bool).Sample((text, lengths, mayCall) =>
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
        Assert.Single(new ReplyReader(Names, manyCalls: false).Push("[a(), b()]", isLast: true));

    [Theory]
    [InlineData("{\"name\": \"f\", \"parameters\": {\"x\": [1, {\"y\": \"}\"}]}}", "", "f")]
    [InlineData("{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}", "", "f")]
    [InlineData("{\"name\": \"other\", \"parameters\": {}}", "{\"name\": \"other\", \"parameters\": {}}", "")]
    [InlineData("{\"name\": \"f\"}", "{\"name\": \"f\"}", "")]
    [InlineData("[other(x=1)]", "[other(x=1)]", "")]
    [InlineData("[f(x=1), other()]", "[f(x=1), other()]", "")]
    [InlineData("<function=f>{\"s\": \"</function>\"}</function>", "", "f")]
    [InlineData("<function=f>{\"s\": \"<function=stop>{}</function>\"}</function>", "", "f")]
    [InlineData("Now: <function=f>{'x': 1}</function> <function=stop>{}", "Now: ", "f,stop")]
    [InlineData("<function=other>{}</function>", "<function=other>{}</function>", "")]
    [InlineData("The <function=f> tag < <func", "The <function=f> tag < <func", "")]
    [InlineData("brave_search.call(query=\"x\")", "", "brave_search")]
    [InlineData("brave new world", "brave new world", "")]
    public void EverySyntaxIsHeldBackUntilItIsDecided(string text, string content, string names)
    {
        for (var size = 1; size <= text.Length; size++)
        {
            var contents = Read(text, Enumerable.Repeat(size, text.Length), mayCall: true);
            Assert.Equal(content, string.Concat(contents.OfType<TextContent>()));
            Assert.Equal(names, string.Join(',', contents.OfType<FunctionCallContent>().Select(c => c.Name)));
        }
    }

    [Fact]
    public void WhatFollowsThePythonTagIsCodeOrACall()
    {
        foreach (var (text, name, argument) in new[] { ("print(1)", "code_interpreter", "print(1)"), ("brave_search.call(query=\"x\")", "brave_search", "x") })
        {
            var reader = new ReplyReader(Names, manyCalls: true);
            Assert.Empty(reader.Push("", isLast: false, isPythonTag: true));
            Assert.Empty(reader.Push(text, isLast: false));
            var call = Assert.IsType<FunctionCallContent>(Assert.Single(reader.Push("", isLast: true)));
            Assert.Equal((name, argument), (call.Name, call.Arguments!.Values.Single()));
        }
        var plain = new ReplyReader(["f"], manyCalls: true);
        Assert.Empty(plain.Push("", isLast: false, isPythonTag: true));
        Assert.Equal("print(1)", ((TextContent)Assert.Single(plain.Push("print(1)", isLast: true))).Text);
    }

    [Fact]
    public void APrefilledBeginningIsReadWithTheRest()
    {
        Assert.Equal("f", ((FunctionCallContent)Assert.Single(new ReplyReader(Names, manyCalls: true, prefill: "[f(").Push("x=1)]", isLast: true))).Name);
        Assert.Equal("Rome.", ((TextContent)Assert.Single(new ReplyReader(Names, manyCalls: true, prefill: "It is ").Push("Rome.", isLast: true))).Text);
    }

    [Theory]
    [InlineData("Hello", "")]
    [InlineData("[1", "")]
    [InlineData("[]", "")]
    [InlineData("[name]", "[name")]
    [InlineData("[name x", "[name ")]
    public void TextIsReleasedAsSoonAsItCannotBeACall(string text, string held)
    {
        var reader = new ReplyReader(Names, manyCalls: true);
        foreach (var c in held)
            Assert.Empty(reader.Push(c.ToString(), isLast: false));
        Assert.Equal(text, ((TextContent)Assert.Single(reader.Push(text[held.Length..], isLast: false))).Text);
        Assert.Equal("[f()]", ((TextContent)Assert.Single(reader.Push("[f()]", isLast: true))).Text);
    }

    [Fact]
    public void WithoutToolsACallIsText() => Assert.Equal("[f()]", string.Concat(Read("[f()]", [1, 1, 1, 1, 1], mayCall: false)));

    static List<AIContent> Read(string text, IEnumerable<int> lengths, bool mayCall)
    {
        var reader = new ReplyReader(mayCall ? Names : [], manyCalls: true);
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
