using Cria.Evaluation.Pocket;

namespace Cria.Tests.Evaluation;

public sealed class PocketEvaluationTests
{
    static readonly PocketEvaluationOptions Options = new() { ItemsPerFamily = 60, Seed = 9 };

    [Fact]
    public async Task AnOracleScoresOneInEveryFamily()
    {
        var report = await PocketEvaluation.RunAsync(PocketClient.Oracle(Options), Options, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(PocketWorld.Families.Select(f => f.Name), report.Families.Select(f => f.Family));
        Assert.All(report.Families, f => Assert.Equal((1.0, 60), (f.Score, f.Items)));
        Assert.Equal(1, report.Mean);
    }

    [Fact]
    public async Task SilenceAndEchoScoreNothing()
    {
        foreach (var client in new[] { new PocketClient((_, _) => PocketClient.Text("")), new PocketClient((messages, _) => PocketClient.Text(messages[^1].Text)) })
        {
            var report = await PocketEvaluation.RunAsync(client, Options, cancellation: TestContext.Current.CancellationToken);
            Assert.All(report.Families, f => Assert.Equal(0, f.Score));
        }
    }

    [Fact]
    public async Task ItemsAreAskedGreedilyWithALimitAndTheirTools()
    {
        var client = new PocketClient((_, _) => PocketClient.Text("?"));
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
            var client = new PocketClient((messages, _) => PocketClient.Text($"{messages[^1].Text} or so"));
            var report = await PocketEvaluation.RunAsync(client, Options with { Concurrency = concurrency }, cancellation: TestContext.Current.CancellationToken);
            return [.. report.Transcripts.Select(t => PocketWorld.PromptText(t.Item) + t.Reply.Text + t.Score)];
        }
        Assert.Equal(await Run(1), await Run(32));
    }

    [Fact]
    public async Task CancellationEndsTheRequestsUnderWay()
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var underWay = 0;
        var client = new PocketClient((_, _) => PocketClient.Text("?"), async token =>
        {
            if (Interlocked.Increment(ref underWay) == Options.Concurrency)
                source.Cancel();
            await Task.Delay(Timeout.Infinite, token);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PocketEvaluation.RunAsync(client, Options, cancellation: source.Token));
        Assert.Equal(Options.Concurrency, underWay);
    }
}
