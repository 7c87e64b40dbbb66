using System.Text.RegularExpressions;
using Cria.Chat;
using Cria.Generation;
using Cria.Models;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Cria.Tests.Docs;

/// <summary>The examples of docs/dotnet.md run.</summary>
public sealed partial class DotNetGuideTests
{
    static readonly string Guide = File.ReadAllText(Path.Combine(TestFiles.Root, "docs", "dotnet.md"));

    [Fact]
    public async Task AClientAnswersGoesOnCountsAndEmbeds()
    {
        var (response, timings, rest, vectors) = await Example();
        Assert.Contains("pocket", response.Text);
        Assert.True(timings.Reading > TimeSpan.Zero && timings.WrittenPerSecond > 0);
        Assert.StartsWith(" ", rest.Text);
        Assert.Contains("pocket", rest.Text);
        Assert.Equal(2, vectors.Count);
    }

    static async Task<(ChatResponse, GenerationTimings, ChatResponse, GeneratedEmbeddings<Embedding<float>>)> Example()
    {
        using var client = CriaChatClient.Load("pocket"); // or a directory, a GGUF file, a name of `cria models`
        var response = await client.GetResponseAsync("Who are you?", new() { MaxOutputTokens = 64 });
        var timings = (GenerationTimings)response.AdditionalProperties![CriaChatClient.Timings]!;
        List<ChatMessage> dialogue = [new(ChatRole.User, "Who are you?"), new(ChatRole.Assistant, "I am")];
        var rest = await client.GetResponseAsync(dialogue, new() { Temperature = 0 });
        using var embeddings = new CriaEmbeddingGenerator(client); // over the client's weights; Load opens a model of its own
        var vectors = await embeddings.GenerateAsync(["Anna lives in Rome.", "The library opens at 10 am."]);
        var choices = await client.ScoreAsync("My name is Clara. Who am I?", [" Clara", " Rome"]);
        var answers = await client.ScoreAsync([new ChatMessage(ChatRole.User, "Who are you?")], ["Cria", "Nobody"]);
        var likeliest = choices.MaxBy(c => c.LogProb)!.Text;
        Assert.Equal((" Clara", 2), (likeliest, answers.Count));
        return (response, timings, rest, vectors);
    }

    [Fact]
    public async Task AContainerGivesDecoratedClients()
    {
        var services = new ServiceCollection().AddLogging();
        services.AddCria("pocket").UseFunctionInvocation().UseOpenTelemetry().UseLogging();
        services.AddKeyedCria("precise", "pocket", new() { Model = new() { Compute = ComputeType.F32 } });
        await using var provider = services.BuildServiceProvider();
        var chat = provider.GetRequiredService<IChatClient>();
        List<ChatMessage> dialogue = [new(ChatRole.User, "Who are you?")];
        var tokens = chat.GetService<CriaChatClient>()!.CountTokens(dialogue);
        var response = await chat.GetResponseAsync(dialogue, new() { MaxOutputTokens = 1 }, TestContext.Current.CancellationToken);
        Assert.Equal(tokens, response.Usage!.InputTokenCount);
        Assert.All(new[] { typeof(FunctionInvokingChatClient), typeof(OpenTelemetryChatClient), typeof(LoggingChatClient) }, t => Assert.NotNull(chat.GetService(t)));
        Assert.Equal(ComputeType.F32, provider.GetRequiredKeyedService<IChatClient>("precise").GetService<TextModel>()!.Options.Compute);
    }

    [Fact]
    public void CodeOfTheGuideIsWhatRunsHere()
    {
        var compiled = File.ReadAllText(Path.Combine(TestFiles.Root, "tests", "Cria.Tests", "Docs", "DotNetGuideTests.cs"));
        Assert.All(CSharp().Matches(Guide).SelectMany(m => m.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Where(l => !l.StartsWith("Console.")), line => Assert.Contains(line, compiled));
    }

    [GeneratedRegex(@"^```csharp\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharp();
}
