using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Cria.Tests.Generation;

namespace Cria.Tests.Cli;

/// <summary>generate, chat and bench, from outside.</summary>
public sealed class TextCommandTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { WithTokenizer = true });

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task GenerateStopsAtTheEndTokenOfTheGoldenModel()
    {
        var recording = new GoldenText(TestFiles.Golden("text", "cfg-stop-list"));
        var (code, output, error) = await CommandLine.RunAsync("", "generate", "--model", recording.Model, "--tokens", string.Join(',', recording.Prompts[0].Ids),
            "--max-tokens", "64", "--temperature", "0", "--dtype", "f32", "--json");
        Assert.Equal((0, ""), (code, error));
        var json = JsonElement.Parse(output);
        Assert.Equal(recording.GreedyUntilStop, json.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32()));
        Assert.Equal(("", "stop"), (json.GetProperty("text").GetString(), json.GetProperty("finish_reason").GetString()));
    }

    [Fact]
    public async Task GenerateStreamsTheTextThatItsJsonHolds()
    {
        string[] arguments = ["generate", "--model", _files.Path, "--prompt", "hello <|eot_id|>", "--max-tokens", "20", "--temperature", "1.2", "--seed", "4"];
        var streamed = await CommandLine.RunAsync("", arguments);
        var (code, output, _) = await CommandLine.RunAsync("", [.. arguments, "--json", "--logprobs", "1"]);
        var json = JsonElement.Parse(output);
        Assert.Equal(0, code);
        Assert.Equal(json.GetProperty("text").GetString() + "\n", streamed.Output.ReplaceLineEndings("\n"));
        Assert.Equal(json.GetProperty("ids").GetArrayLength(), json.GetProperty("logprobs").GetArrayLength());
        Assert.All(json.GetProperty("logprobs").EnumerateArray(), p => Assert.Equal(1, p.GetProperty("top").GetArrayLength()));
    }

    [Fact]
    public async Task EmbedPrintsAVectorForEachTextAndLine()
    {
        File.WriteAllText(_files.File("texts"), "hello\r\n\nwor");
        var (code, output, _) = await CommandLine.RunAsync("", "embed", "--model", _files.Path, "--file", _files.File("texts"), "--json");
        var vectors = JsonElement.Parse(output).GetProperty("embeddings").EnumerateArray().Select(e => e.EnumerateArray().Select(v => v.GetSingle()).ToArray()).ToList();
        Assert.Equal(0, code);
        Assert.All(vectors, v => Assert.Equal(1, v.Sum(x => x * x), 1e-5));
        var (_, lines, _) = await CommandLine.RunAsync("", "embed", "hello", "", "wor", "--model", _files.Path);
        Assert.Equal(vectors, lines.TrimEnd().Split('\n').Select(l => l.Split(' ').Select(v => float.Parse(v, CultureInfo.InvariantCulture)).ToArray()));
    }

    [Fact]
    public async Task ScoreAnswersTextsAndIdsAndEachLineOfABatch()
    {
        var (code, output, _) = await CommandLine.RunAsync("", "score", "--model", _files.Path, "--context", "hell ", "--continuation", "wor", "--continuation", "x", "--json");
        Assert.Equal(0, code);
        var given = Scores(output);
        Assert.Equal(2, given.Count);
        Assert.Equal([265], given[0].GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())); // " wor"
        File.WriteAllText(_files.File("lines"), "{\"context\":\"hell \",\"continuations\":[\"wor\",\"x\"]}\n{\"context\":[266,262],\"continuations\":[[265]]}\n{\"continuations\":[1]}\n{\"continuations\":[\"x\"],\"images\":[\"none.png\"]}\nx\n{}\n");
        (code, output, _) = await CommandLine.RunAsync("", "score", "--model", _files.Path, "--batch", _files.File("lines"));
        Assert.Equal(0, code);
        var lines = output.TrimEnd().Split('\n');
        Assert.Equal(given.Select(s => s.ToString()), Scores(lines[0]).Select(s => s.ToString()));
        Assert.Equal(given[0].GetProperty("logprob").GetDouble(), Assert.Single(Scores(lines[1])).GetProperty("logprob").GetDouble());
        Assert.Equal(6, lines.Length);
        Assert.All(lines.Skip(2).Zip(["continuations holds more than texts", "takes no images", "", "continuations is missing"]), l => Assert.Contains(l.Second, JsonElement.Parse(l.First).GetProperty("error").GetString()));
        (_, output, _) = await CommandLine.RunAsync("", "score", "--model", _files.Path, "--continuation", "th\n");
        Assert.EndsWith("no      \"th\\n\"\n", output);

        static List<JsonElement> Scores(string line) => [.. JsonElement.Parse(line).GetProperty("scores").EnumerateArray()];
    }

    [Fact]
    public async Task WrongArgumentsExitWithTwoAndWrongDataWithOne()
    {
        async Task Fails(int with, string says, params string[] arguments)
        {
            var (code, output, error) = await CommandLine.RunAsync("", [.. arguments, "--model", _files.Path]);
            Assert.Equal((with, ""), (code, output));
            Assert.Contains(says, Assert.Single(error.TrimEnd('\n').Split('\n')));
        }
        await Fails(2, "temperature", "generate", "--prompt", "x", "--temperature", "-1");
        await Fails(2, "give one of", "generate");
        await Fails(2, "give texts, or --file", "embed");
        await Fails(2, "give texts, or --file", "embed", "x", "--file", "y");
        await Fails(1, "context", "embed", new string('x', 5000));
        await Fails(2, "give one of --continuation, --batch", "score", "--context", "x");
        await Fails(2, "--context and --image stand in the lines", "score", "--context", "x", "--batch", "y");
        await Fails(1, "text 1 has no continuation", "score", "--continuation", "x", "--continuation", "");
        await Fails(2, "give one --image and any number of --text", "rank", "--text", "x");
        await Fails(2, "give one --image and any number of --text", "rank", "--text", "x", "--text", "y", "--image", "a", "--image", "b");
        await Fails(1, "takes no images", "score", "--continuation", "x", "--image", "none.png");
        await Fails(2, "--image is of a PROMPT", "chat", "--messages", "none.json", "--image", "none.png");
        await Fails(1, "token 9999", "generate", "--tokens", "9999");
        await Fails(1, "messages", "chat", "--messages", _files.File("config.json"));
        await Fails(1, _files.Path, "chat", "hello", "--session", _files.Path);
    }

    [Fact]
    public async Task APipeThatIsClosedEndsTheCommand()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "its pipes");
        using var endless = TestModels.Write(new TestShape { WithTokenizer = true, MaxPositions = 10_000_000 }); // hours, to the end of the context
        using var generate = CommandLine.Start("generate", "--model", endless.Path, "--prompt", "hello", "--temperature", "0");
        Assert.True(await generate.StandardOutput.ReadAsync(new char[1], TestContext.Current.CancellationToken) > 0);
        generate.StandardOutput.Close();
        await generate.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0, ""), (generate.ExitCode, await generate.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task ChatTalksThroughAPipe()
    {
        var session = _files.File("session.json");
        string[] arguments = ["chat", "--model", _files.Path, "--max-tokens", "8", "--temperature", "0", "--session", session, "--json"];
        var (code, output, error) = await CommandLine.RunAsync("/system Be brief.\nhello\n/reset\nhello\n", arguments);
        Assert.Equal((0, ""), (code, error));
        var answers = output.TrimEnd('\n').Split('\n').Select(l => JsonElement.Parse(l).GetProperty("text").GetString()).ToList();
        Assert.Equal(2, answers.Count);
        Assert.Equal(answers[0], answers[1]); // the same dialogue after the reset

        var single = await CommandLine.RunAsync("", ["chat", "hello", "--system", "Be brief.", .. arguments[1..7], "--json"]);
        Assert.Equal(answers[0], JsonElement.Parse(single.Output).GetProperty("text").GetString());
        Assert.Equal(3, JsonElement.Parse(File.ReadAllText(session)).GetArrayLength());
    }

    [Fact]
    public async Task AClosedInputEndsTheConversation()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "descriptors");
        using var chat = Process.Start(new ProcessStartInfo("sh", ["-c", "exec \"$@\" <&-", "sh", "dotnet", Path.Combine(AppContext.BaseDirectory, "cria.dll"), "chat", "--model", _files.Path])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await chat.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0, "", ""), (chat.ExitCode, await chat.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), await chat.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task AnInterruptStopsTheAnswerAndNotTheProgram()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals");
        using var endless = TestModels.Write(new TestShape { WithTokenizer = true, MaxPositions = 100_000 });
        using var chat = CommandLine.Start("chat", "--model", endless.Path, "--temperature", "0", "--stats"); // greedy, it repeats itself for ever
        await chat.StandardInput.WriteAsync("hello\n/system Be brief.\n/exit\n");
        await chat.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        Assert.True(await chat.StandardOutput.ReadAsync(new char[1], TestContext.Current.CancellationToken) > 0); // the answer has begun
        using (var kill = Process.Start("kill", ["-INT", chat.Id.ToString()]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await chat.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await chat.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0, "stopped\n"), (chat.ExitCode, await chat.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task BenchGivesOneFigureARepetition()
    {
        var (code, output, error) = await CommandLine.RunAsync("", "bench", "--model", _files.Path, "-p", "8", "-n", "2", "-r", "2", "-d", "4", "--parallel", "2", "--prefix", "3", "--json");
        Assert.Equal((0, ""), (code, error));
        var json = JsonElement.Parse(output);
        Assert.Equal([2, 2], new[] { "prefill_tps", "decode_tps" }.Select(n => json.GetProperty(n).GetArrayLength()));
        Assert.All(["load_s", "ttft_s", "peak_rss_bytes"], n => Assert.True(json.GetProperty(n).GetDouble() > 0));
    }

    [Fact]
    public async Task ChatCallsTheToolThatIsChosenAndNamesThoseThatAreNotHeldToTheirSchemas()
    {
        var tools = _files.File("tools.json");
        File.WriteAllText(tools, """[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"x":{"enum":[1,2]}},"required":["x"]}}},{"type":"function","function":{"name":"g","parameters":{"$dynamicRef":"#a"}}}]""");
        string[] arguments = ["chat", "Hi", "--model", _files.Path, "--tools", tools, "--max-tokens", "30", "--json"];
        var (code, output, error) = await CommandLine.RunAsync("", [.. arguments, "--tool-choice", "f"]);
        Assert.Equal((0, ""), (code, error));
        Assert.Equal("f", JsonElement.Parse(output).GetProperty("calls")[0].GetProperty("name").GetString());
        (code, output, error) = await CommandLine.RunAsync("", arguments);
        Assert.Contains("calls of g are not held to its schema", error, StringComparison.Ordinal);
        Assert.Contains("$dynamicRef", JsonElement.Parse(output).GetProperty("unguarded_tools").GetProperty("g").GetString(), StringComparison.Ordinal);
        (code, _, error) = await CommandLine.RunAsync("", [.. arguments, "--tool-choice", "h"]);
        Assert.Equal(1, code);
        Assert.Contains("\"h\"", error, StringComparison.Ordinal);
    }
}
