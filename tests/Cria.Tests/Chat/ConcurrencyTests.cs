using Cria.Chat;
using Cria.Models;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

/// <summary>Not beside other tests: the memory of the process is measured.</summary>
[CollectionDefinition(nameof(ConcurrencyTests), DisableParallelization = true)]
public sealed class AloneCollection;

[Collection(nameof(ConcurrencyTests))]
public sealed class ConcurrencyTests
{
    [Fact]
    public async Task ConversationsOnOneClientAreAsIfAloneAndTheirMemoryComesBack()
    {
        using var files = TestModels.Write(new TestShape { WithTokenizer = true });
        await ConverseAndMeasure(files.Path);
    }

    [Fact]
    public async Task SoAreThoseOnPocket()
    {
        Assert.SkipUnless(Directory.Exists(Path.Combine(AppContext.BaseDirectory, "models", "pocket")), "this build has no pocket model");
        await ConverseAndMeasure("pocket");
    }

    static async Task ConverseAndMeasure(string model)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        Assert.Equal(0, await Converse(model));
        var after = GC.GetTotalMemory(forceFullCollection: true);
        Assert.True(after - before < 4 << 20, $"{after - before} bytes are still held");
    }

    /// <summary>64 dialogues of two turns, a third of them cancelled somewhere; the bytes of cache in use after Dispose.</summary>
    static async Task<long> Converse(string path)
    {
        var random = new Random(3);
        var dialogues = Enumerable.Range(0, 64).Select(n => (
            First: new string([.. Enumerable.Range(0, random.Next(1, 200)).Select(_ => "hello wor\n"[random.Next(10)])]),
            Options: new ChatOptions { Seed = n, Temperature = n % 3, TopP = 0.95f, MaxOutputTokens = random.Next(5, 60) },
            CancelAfter: n % 3 == 0 ? random.Next(0, 15) : int.MaxValue)).ToList();

        var client = CriaChatClient.Load(path);
        var alone = new List<string[]>();
        foreach (var (first, options, _) in dialogues)
            alone.Add(await Dialogue(client, first, options, int.MaxValue));
        var together = await Task.WhenAll(dialogues.Select(d => Task.Run(() => Dialogue(client, d.First, d.Options, d.CancelAfter))));
        for (var n = 0; n < dialogues.Count; n++)
        {
            if (dialogues[n].CancelAfter == int.MaxValue)
                Assert.Equal(alone[n], together[n]);
            else
                Assert.All(together[n].Zip(alone[n]), t => Assert.StartsWith(t.First, t.Second, StringComparison.Ordinal));
        }
        var model = client.GetService<TextModel>()!;
        client.Dispose();
        return model.CacheBytes;
    }

    static async Task<string[]> Dialogue(CriaChatClient client, string first, ChatOptions options, int cancelAfter)
    {
        using var cancel = new CancellationTokenSource();
        List<ChatMessage> messages = [new(ChatRole.User, first)];
        var answers = new List<string>();
        var pieces = 0;
        foreach (var next in new[] { "who?", "" })
        {
            var text = "";
            try
            {
                if (cancelAfter == 0)
                    cancel.Cancel();
                await foreach (var update in client.GetStreamingResponseAsync(messages, options, cancel.Token))
                {
                    text += update.Text;
                    if (++pieces == cancelAfter)
                        cancel.Cancel();
                }
            }
            catch (OperationCanceledException)
            {
                return [.. answers, text];
            }
            answers.Add(text);
            messages.AddRange([new(ChatRole.Assistant, text), new(ChatRole.User, next)]);
        }
        return [.. answers];
    }
}
