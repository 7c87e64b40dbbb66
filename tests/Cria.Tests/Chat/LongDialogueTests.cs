using Cria.Chat;
using Cria.Generation;
using Cria.Models;
using Cria.Tests.Cli;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

/// <summary>Dialogues that do not fit the context, and what a client keeps of those that do.</summary>
public sealed class LongDialogueTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { WithTokenizer = true, MaxPositions = 512 });

    public void Dispose() => _files.Dispose();

    static List<ChatMessage> Dialogue(int turns) =>
    [
        new(ChatRole.System, "hello"),
        .. Enumerable.Range(0, turns).SelectMany(n => new ChatMessage[] { new(ChatRole.User, $"question {n}"), new(ChatRole.Assistant, $"answer {n}") }),
        new(ChatRole.User, "the last"),
    ];

    [Fact]
    public async Task ADialogueThatDoesNotFitIsRefusedWithTheNumbers()
    {
        using var client = CriaChatClient.Load(_files.Path);
        var prompt = ChatFormat.Render(Dialogue(40), new()).Encode(client.GetService<Tokenizer>()!);
        var error = await Assert.ThrowsAsync<CriaException>(() => client.GetResponseAsync(Dialogue(40), new() { MaxOutputTokens = 9 }, TestContext.Current.CancellationToken));
        Assert.Contains($"{prompt.Length} tokens and 9 more do not fit the model's context of 512", error.Message);
    }

    [Fact]
    public async Task TheOldestTurnsAreLeftOutIfThatIsAskedForAndTheResponseSaysHowMany()
    {
        using var client = CriaChatClient.Load(_files.Path, new() { DropOldest = true });
        using var plain = CriaChatClient.Load(_files.Path);
        var options = new ChatOptions { MaxOutputTokens = 9, Temperature = 0 };
        var heads = new HashSet<int>();
        for (var turns = 0; turns < 45; turns++)
        {
            var dialogue = Dialogue(turns);
            var response = await client.GetResponseAsync(dialogue, options, TestContext.Current.CancellationToken);
            var dropped = response.AdditionalProperties?.GetValueOrDefault(CriaChatClient.DroppedMessages) as int? ?? 0;
            Assert.Equal(0, dropped % 2); // whole turns
            List<ChatMessage> rest = [dialogue[0], .. dialogue.Skip(1 + dropped)];
            var expected = await plain.GetResponseAsync(rest, options, TestContext.Current.CancellationToken); // so it fits
            Assert.Equal(expected.Text, response.Text);
            Assert.Equal(expected.Usage!.InputTokenCount, response.Usage!.InputTokenCount);
            Assert.True(dropped == 0 || response.Usage.InputTokenCount > 512 / 2); // and no more than a quarter beyond need goes
            heads.Add(dropped);
        }
        Assert.InRange(heads.Count, 3, 12); // prompts of neighbouring turns begin alike
        var last = await Assert.ThrowsAsync<CriaException>(() => client.GetResponseAsync([new(ChatRole.User, new string('x', 600))], options, TestContext.Current.CancellationToken));
        Assert.Contains("context of 512", last.Message);
    }

    [Fact]
    public async Task ADraftModelAndLookUpChangeNoAnswer()
    {
        var options = new ChatOptions { MaxOutputTokens = 40, Temperature = 1, Seed = 4 };
        using var plain = CriaChatClient.Load(_files.Path);
        var expected = await plain.GetResponseAsync(Dialogue(3), options, TestContext.Current.CancellationToken);
        foreach (var client in new[]
        {
            CriaChatClient.Load(_files.Path, new() { Speculation = Speculation.Lookup }),
            CriaChatClient.Load(_files.Path, new() { Speculation = Speculation.Draft, Draft = _files.Path }),
        })
        {
            using (client)
                Assert.Equal(expected.Text, (await client.GetResponseAsync(Dialogue(3), options, TestContext.Current.CancellationToken)).Text);
            Assert.Equal(0, client.GetService<TextModel>()!.CacheBytes);
        }
        Assert.Contains("no-model", Assert.Throws<CriaException>(() => CriaChatClient.Load(_files.Path, new() { Draft = "no-model" })).Message);
    }

    [Fact]
    public async Task ASessionKeepsItsStateAndADamagedOneIsReadAgain()
    {
        var (session, state) = (_files.File("s.json"), _files.File("s.json.kv"));
        var system = string.Concat(Enumerable.Repeat("hello world ", 20));
        string[] arguments = ["--model", _files.Path, "--session", session, "--max-tokens", "5", "--temperature", "0"];
        Assert.Equal(0, (await CommandLine.RunAsync("", ["chat", "hello", "--system", system, .. arguments])).Code);
        Assert.True(new FileInfo(state).Length > 10_000);
        var dialogue = File.ReadAllText(session);
        var (code, answer, error) = await CommandLine.RunAsync("", ["chat", "who?", .. arguments]);
        Assert.Equal((0, ""), (code, error));

        File.WriteAllText(session, dialogue);
        File.WriteAllText(state, "CRIASEQ1");
        (code, var again, error) = await CommandLine.RunAsync("", ["chat", "who?", .. arguments]);
        Assert.Equal((0, answer), (code, again));
        Assert.Equal($"cria: {state}: cut short; the dialogue is read again\n", error.ReplaceLineEndings("\n"));
    }
}
