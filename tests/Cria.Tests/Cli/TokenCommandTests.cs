namespace Cria.Tests.Cli;

/// <summary>tokenize, detokenize, render and toolcalls.</summary>
[Collection(CommandLine.Name)]
public sealed class TokenCommandTests : IDisposable
{
    readonly TestModel _model = TestModels.Write(new TestShape { WithTokenizer = true });

    public void Dispose() => _model.Dispose();

    string Write(string name, string text)
    {
        File.WriteAllText(_model.File(name), text);
        return _model.File(name);
    }

    [Fact]
    public void TokenizeAndDetokenizeAreInverse()
    {
        var (exit, output, _) = CommandLine.Run("tokenize", "--model", _model.Path, "--text", "hello world", "--json");
        Assert.Equal((0, "{\"ids\":[263,265,75,67]}\n"), (exit, output));
        Assert.Equal((0, "{\"text\":\"hello world\"}\n", ""), CommandLine.Run("detokenize", "--model", _model.Path, "--ids", "263,265,75,67", "--json"));
        Assert.Equal("hello world", CommandLine.Run("detokenize", "--model", _model.Path, "--ids", "263,265,75,67").Output);
    }

    [Fact]
    public void FileIsReadAsItIs()
    {
        var file = Write("text.txt", "\uFEFFa\r\n");
        Assert.Equal("{\"ids\":[171,119,123,64,201,198]}\n", CommandLine.Run("tokenize", "--model", _model.Path, "--file", file, "--json").Output);
    }

    [Fact]
    public void AFileThatIsNotUtf8IsAnError()
    {
        File.WriteAllBytes(_model.File("text.txt"), [0x61, 0xFF]);
        var (exit, output, error) = CommandLine.Run("tokenize", "--model", _model.Path, "--file", _model.File("text.txt"));
        Assert.Equal((1, "", $"cria: {_model.File("text.txt")}: not UTF-8\n"), (exit, output, error));
    }

    [Fact]
    public void AJsonFileMayBeginWithAByteOrderMark()
    {
        var messages = Write("messages.json", "\uFEFF[]");
        Assert.Equal(0, CommandLine.Run("render", "--model", _model.Path, "--messages", messages).Exit);
    }

    [Fact]
    public void BatchAnswersEveryLineAndGoesOnAfterABadOne()
    {
        var lines = Write("lines.jsonl", "{\"text\":\"a\",\"special\":\"none\",\"bos\":true}\nno json\n{\"text\":\"\\ud800\"}\n{\"text\":\"<|eot_id|>\",\"special\":\"all\"}\n{\"text\":\"a\",\"special\":\"some\"}\n");
        var (exit, output, _) = CommandLine.Run("tokenize", "--model", _model.Path, "--batch", lines, "--json");
        var answers = output.Split('\n');
        Assert.Equal(0, exit);
        Assert.Equal(["{\"ids\":[266,64]}", "{\"ids\":[275]}"], [answers[0], answers[3]]);
        Assert.All([answers[1], answers[2], answers[4]], a => Assert.StartsWith("{\"error\":\"", a));
        Assert.Equal(6, answers.Length);
    }

    [Fact]
    public void StreamedBatchHoldsHalfCharactersBack()
    {
        var lines = Write("lines.jsonl", "{\"ids\":[127,64,275],\"stream\":true,\"skip_special\":true}\n{\"ids\":[9999]}\n");
        Assert.Equal("{\"pieces\":[\"\",\"\uFFFDa\",\"\",\"\"]}\n{\"error\":\"token id 9999 is outside the vocabulary of 522\"}\n",
            CommandLine.Run("detokenize", "--model", _model.Path, "--batch", lines, "--json").Output);
    }

    [Fact]
    public void RenderWritesTextAndIds()
    {
        var messages = Write("messages.json", """[{"role":"user","content":"he<|eot_id|>"}]""");
        var (exit, output, _) = CommandLine.Run("render", "--model", _model.Path, "--messages", messages, "--json");
        Assert.Equal(0, exit);
        Assert.StartsWith("{\"text\":\"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\\n\\nhe<|eot_id|><|eot_id|>", output);
        Assert.Equal(output.IndexOf(",275,", StringComparison.Ordinal), output.LastIndexOf(",275,", StringComparison.Ordinal)); // one end of turn, not two
        Assert.Equal((1, ""), (CommandLine.Run("render", "--model", _model.Path, "--messages", messages, "--style", "hf", "--json") is var r) ? (r.Exit, r.Output) : default);
    }

    [Fact]
    public void ToolCallsAreRead()
    {
        var text = Write("reply.txt", "[f(a='x', n=[1, 2.5, None])]<|eot_id|>");
        Assert.Equal((0, "{\"content\":\"\",\"calls\":[{\"name\":\"f\",\"arguments\":{\"a\":\"x\",\"n\":[1,2.5,null]}}]}\n", ""),
            CommandLine.Run("toolcalls", "--text", text, "--json"));
        Assert.Equal((0, "{\"content\":\"[f(a='x', n=[1, 2.5, None])]\",\"calls\":[]}\n", ""), CommandLine.Run("toolcalls", "--text", text, "--format", "json", "--json"));
    }

    [Theory]
    [InlineData(2, "tokenize", "--text", "a", "--file", "b")]
    [InlineData(2, "render")]
    [InlineData(2, "render", "--messages", "m.json", "--style", "gpt")]
    [InlineData(2, "no-such-verb")]
    [InlineData(2, "generate", "--prompt", "a", "--dtype", "f8")]
    [InlineData(2, "tokenize", "--file", "")]
    [InlineData(2, "detokenize", "--batch", "")]
    [InlineData(2, "logits", "--text", "a", "--out", "")]
    [InlineData(2, "logits", "--tokens-file", "", "--out", "x")]
    [InlineData(2, "chat", "hello", "--session", "")]
    [InlineData(2, "generate", "--prompt", "a", "--logprobs", "-1")]
    [InlineData(1, "tokenize", "--model", "no/such/model", "--text", "a")]
    [InlineData(1, "toolcalls", "--text", "no/such/file")]
    [InlineData(1, "toolcalls", "--batch", "no/such/file")]
    public void BadArgumentsExitWithOneLine(int exit, params string[] arguments)
    {
        var result = CommandLine.Run(arguments);
        Assert.Equal((exit, ""), (result.Exit, result.Output));
        Assert.StartsWith("cria: ", Assert.Single(result.Error.TrimEnd('\n').Split('\n')));
    }
}
