using System.Collections.Concurrent;
using Cria.Evaluation.Pocket;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Evaluation;

public sealed class PocketEvaluationTests
{
    static readonly PocketEvaluationOptions Options = new() { ItemsPerFamily = 60, Seed = 9 };

    /// <summary>A client that replies to a dialogue what the function says, after giving way to others.</summary>
    sealed class Client(Func<IReadOnlyList<ChatMessage>, ChatMessage> reply) : IChatClient
    {
        public ConcurrentBag<ChatOptions> Asked { get; } = [];

        public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            Asked.Add(options!);
            return new(reply([.. messages]));
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }

    static ChatMessage Text(string text) => new(ChatRole.Assistant, text);

    /// <summary>A client that knows the reference answer of every item.</summary>
    static Client Oracle()
    {
        var answers = new Dictionary<IReadOnlyList<ChatMessage>, ChatMessage>(new ByText());
        foreach (var item in PocketWorld.Families.SelectMany(f => PocketWorld.Items(f, Options.Split, Options.Seed, Options.ItemsPerFamily)))
            answers[item.Prompt] = item.Answer;
        return new(messages => answers[messages]);
    }

    sealed class ByText : IEqualityComparer<IReadOnlyList<ChatMessage>>
    {
        public bool Equals(IReadOnlyList<ChatMessage>? x, IReadOnlyList<ChatMessage>? y) => Joined(x!) == Joined(y!);

        public int GetHashCode(IReadOnlyList<ChatMessage> messages) => Joined(messages).GetHashCode(StringComparison.Ordinal);

        static string Joined(IReadOnlyList<ChatMessage> messages) => string.Join('\n', messages.Select(m => $"{m.Role}: {PocketWorld.TextOf(m)}"));
    }

    [Fact]
    public async Task AnOracleScoresOneInEveryFamily()
    {
        var report = await PocketEvaluation.RunAsync(Oracle(), Options, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(PocketWorld.Families.Select(f => f.Name), report.Families.Select(f => f.Family));
        Assert.All(report.Families, f => Assert.Equal((1.0, 60), (f.Score, f.Items)));
        Assert.Equal(1, report.Mean);
    }

    [Fact]
    public async Task SilenceAndEchoScoreNothing()
    {
        foreach (var client in new[] { new Client(_ => Text("")), new Client(messages => Text(messages[^1].Text)) })
        {
            var report = await PocketEvaluation.RunAsync(client, Options, cancellation: TestContext.Current.CancellationToken);
            Assert.All(report.Families, f => Assert.Equal(0, f.Score));
        }
    }

    [Fact]
    public async Task ItemsAreAskedGreedilyWithALimitAndTheirTools()
    {
        var client = new Client(_ => Text("?"));
        var report = await PocketEvaluation.RunAsync(client, Options with { MaxTokens = 77 }, cancellation: TestContext.Current.CancellationToken);
        Assert.All(client.Asked, o => Assert.Equal((0, 77), (o.Temperature, o.MaxOutputTokens)));
        Assert.Equal(report.Transcripts.Count(t => t.Item.Tools.Count > 0), client.Asked.Count(o => o.Tools?.Count > 0));
        Assert.All(report.Transcripts, t => Assert.Equal(PocketSplit.Test, PocketWorld.SplitOf(t.Item)));
    }

    [Fact]
    public async Task TheReportDoesNotDependOnTheOrderOfReplies()
    {
        async Task<string[]> Run(int concurrency)
        {
            var client = new Client(messages => Text($"{messages[^1].Text} or so"));
            var report = await PocketEvaluation.RunAsync(client, Options with { Concurrency = concurrency }, cancellation: TestContext.Current.CancellationToken);
            return [.. report.Transcripts.Select(t => PocketWorld.PromptText(t.Item) + t.Reply.Text + t.Score)];
        }
        Assert.Equal(await Run(1), await Run(32));
    }

    [Fact]
    public async Task CancellationEndsTheRun()
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var client = new Client(_ => Text("?"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PocketEvaluation.RunAsync(client, Options, (done, _) => { if (done == 5) source.Cancel(); }, source.Token));
        Assert.InRange(client.Asked.Count, 5, 5 + 2 * Options.Concurrency);
    }
}
