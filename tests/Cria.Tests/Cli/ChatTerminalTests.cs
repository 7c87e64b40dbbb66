using System.Text.Json;
using Cria.Chat;
using Cria.Cli.Commands;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Cli;

public sealed class ChatTerminalTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { WithTokenizer = true });
    readonly CriaChatClient _client;
    readonly StringWriter _output = new() { NewLine = "\n" };
    readonly StringWriter _notes = new() { NewLine = "\n" };

    public ChatTerminalTests() => _client = CriaChatClient.Load(_files.Path);

    public void Dispose()
    {
        _client.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task EachLineIsAnsweredWithTheWholeHistory()
    {
        var session = Session();
        Assert.Equal(0, Converse(session, "hello", "", "who?"));
        List<ChatMessage> dialogue = [new(ChatRole.User, "hello")];
        var first = await Ask(dialogue);
        dialogue.AddRange([new(ChatRole.Assistant, first), new(ChatRole.User, "who?")]);
        var second = await Ask(dialogue);
        Assert.Equal($"{first}\n{second}\n", _output.ToString());
        Assert.Equal("", _notes.ToString()); // a pipe sees no prompt
        Assert.Equal(["hello", first, "who?", second], session.Messages.Select(m => m.Text));
    }

    [Fact]
    public void ResetForgetsTheDialogueAndKeepsTheSystemMessage()
    {
        var session = Session();
        Converse(session, "/system Be brief.", "hello", "/reset");
        Assert.Equal([(ChatRole.System, "Be brief.")], session.Messages.Select(m => (m.Role, m.Text)));
        Converse(session, "/system Be kind.", "/exit", "hello");
        Assert.Equal(["Be kind."], session.Messages.Select(m => m.Text));
        Converse(session, "/system");
        Assert.Empty(session.Messages);
    }

    [Fact]
    public void ALineThatCannotBeAnsweredIsReportedAndForgotten()
    {
        var session = Session();
        Assert.Equal(1, Converse(session, "/bad", new string('x', 5000), "/tool 5", "hello"));
        Assert.Equal(3, _notes.ToString().Split('\n').Count(l => l.StartsWith("cria: ", StringComparison.Ordinal)));
        Assert.Equal("hello", session.Messages[0].Text);
        Assert.Equal(2, session.Messages.Count);
    }

    [Fact]
    public void ATerminalHasPromptsAndStatistics()
    {
        Converse(Session(), interactive: true, "/help", "/stats", "hello");
        Assert.Contains("/reset", _notes.ToString());
        Assert.Contains("\n> ", _notes.ToString());
        Assert.Contains("tokens/s", _notes.ToString());
        Assert.DoesNotContain("> ", _output.ToString());
    }

    [Fact]
    public async Task AnAnswerThatIsStoppedStaysAsFarAsItCame()
    {
        var session = Session(maxTokens: 3000);
        using var stop = new CancellationTokenSource();
        var shown = "";
        await session.AskAsync(new(ChatRole.User, "hello"), text =>
        {
            shown += text;
            stop.Cancel();
        }, stop.Token);
        Assert.Equal(["hello", shown], session.Messages.Select(m => m.Text));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => session.AskAsync(new(ChatRole.User, "more"), _ => { }, stop.Token)); // before its first piece
        Assert.Equal(2, session.Messages.Count);
        Assert.False(Terminal(session).StopAnswer()); // no answer runs: Ctrl-C is not for it
    }

    [Fact]
    public void ASessionFileKeepsTheDialogue()
    {
        var file = _files.File("session.json");
        Converse(Session(file), "/system Be brief.", "hello");
        var kept = Session(file);
        Assert.Equal([ChatRole.System, ChatRole.User, ChatRole.Assistant], kept.Messages.Select(m => m.Role));
        Assert.False(File.Exists(file + ".new"));
        Converse(kept, "who?");
        Assert.Equal(5, Session(file).Messages.Count);
    }

    [Fact]
    public void ASessionThatCannotBeSavedIsReportedAndTheConversationGoesOn()
    {
        var session = Session(_files.File("no/such/folder"));
        Assert.Equal(1, Converse(session, "hello", "who?"));
        Assert.Equal(4, session.Messages.Count);
        Assert.Equal(2, _output.ToString().Count(c => c == '\n'));
        Assert.All(_notes.ToString().TrimEnd('\n').Split('\n'), line => Assert.StartsWith($"cria: {_files.File("no/such/folder")}: ", line));
    }

    [Fact]
    public void ASessionFileKeepsCallsAndResults()
    {
        var file = _files.File("calls.json");
        List<ChatMessage> dialogue =
        [
            new(ChatRole.User, "weather?"),
            new(ChatRole.Assistant, [new FunctionCallContent("call_1", "weather", new Dictionary<string, object?> { ["city"] = "Paris", ["days"] = 2L, ["at"] = new List<object?> { 1.5, null, true } })]),
            new(ChatRole.Tool, [new FunctionResultContent("call_1", "25 C")]),
        ];
        new ChatSession(_client, new(), dialogue, file).SetSystem("Be brief.");
        var kept = new ChatSession(_client, new(), [], file).Messages;
        var format = new ChatFormatOptions();
        Assert.Equal(ChatFormat.Render([new(ChatRole.System, "Be brief."), .. dialogue], format).Text, ChatFormat.Render(kept, format).Text);
        Assert.Equal("call_1", kept[3].Contents.OfType<FunctionResultContent>().Single().CallId);
    }

    [Fact]
    public async Task JsonHoldsTheIdsTheTextAndTheReason()
    {
        var session = Session();
        new ChatTerminal(session, TextReader.Null, _output, _notes) { AsJson = true }.Answer(new(ChatRole.User, "hello"), TestContext.Current.CancellationToken);
        var json = JsonElement.Parse(_output.ToString());
        Assert.Equal(await Ask([new(ChatRole.User, "hello")]), json.GetProperty("text").GetString());
        Assert.Equal(json.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), json.GetProperty("ids").GetArrayLength());
        Assert.Contains(json.GetProperty("finish_reason").GetString(), new[] { "stop", "length" });
        Assert.Single(_output.ToString().TrimEnd('\n').Split('\n'));
    }

    ChatSession Session(string? file = null, int maxTokens = 12) =>
        new(_client, new ChatOptions { MaxOutputTokens = maxTokens, StopSequences = ["\n"], AdditionalProperties = new() { ["logprobs"] = true } }, [], file);

    async Task<string> Ask(List<ChatMessage> dialogue) =>
        (await _client.GetResponseAsync(dialogue, new() { MaxOutputTokens = 12, StopSequences = ["\n"] }, TestContext.Current.CancellationToken)).Text;

    ChatTerminal Terminal(ChatSession session) => new(session, TextReader.Null, _output, _notes);

    int Converse(ChatSession session, params string[] lines) => Converse(session, interactive: false, lines);

    int Converse(ChatSession session, bool interactive, params string[] lines) =>
        new ChatTerminal(session, new StringReader(string.Join('\n', lines)), _output, _notes) { IsInteractive = interactive }.Converse();
}
