using Cria.Generation;
using Cria.Models;
using Cria.Tokenization;
using static Cria.Tests.Generation.GeneratorTests;

namespace Cria.Tests.Generation;

/// <summary>Many requests at once.</summary>
public sealed class SchedulerTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { WithTokenizer = true, MaxPositions = 100_000 });
    readonly Tokenizer _tokenizer;
    readonly TextModel _model;

    public SchedulerTests() => (_tokenizer, _model) = (Tokenizer.Load(_files.Path), TextModel.Load(_files.Path));

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task TextsDoNotDependOnTheCompany()
    {
        var random = new Random(11);
        var requests = Enumerable.Range(0, 100).Select(n => (
            Prompt: RandomPrompt(random, random.Next(1, n % 10 == 0 ? 1500 : 150)),
            Options: new GenerationOptions
            {
                Temperature = n % 4 * 0.5f,
                TopP = n % 3 == 0 ? 0.9f : 1,
                TopK = n % 5 == 0 ? 20 : 0,
                RepetitionPenalty = n % 7 == 0 ? 1.2f : 1,
                Seed = (ulong)n,
                MaxTokens = random.Next(1, 40),
                TopLogProbs = 0, // equal log probabilities mean equal logits
            },
            CancelAfter: n % 3 == 0 ? random.Next(0, 20) : int.MaxValue)).ToList();

        var single = new List<List<GeneratedToken>>();
        foreach (var (prompt, options, _) in requests)
            using (var alone = new Generator(_model, _tokenizer))
                single.Add(await ToList(alone, prompt, options));

        using var generator = new Generator(_model, _tokenizer);
        var together = await Task.WhenAll(requests.Select(r => Task.Run(async () =>
        {
            using var cancel = new CancellationTokenSource();
            var tokens = new List<GeneratedToken>();
            try
            {
                if (r.CancelAfter == 0)
                    cancel.Cancel();
                await foreach (var token in generator.GenerateAsync(r.Prompt, r.Options, cancel.Token))
                {
                    tokens.Add(token);
                    if (tokens.Count == r.CancelAfter)
                        cancel.Cancel();
                }
            }
            catch (OperationCanceledException)
            {
            }
            return tokens;
        })));
        for (var n = 0; n < requests.Count; n++)
        {
            Assert.Equal(single[n].Take(together[n].Count).Select(Facts), together[n].Select(Facts));
            if (requests[n].CancelAfter == int.MaxValue)
                Assert.Equal(single[n].Count, together[n].Count);
        }
        generator.Dispose();
        Assert.Equal(0, _model.CacheBytes);
    }

    [Fact]
    public async Task ALongPromptDoesNotStallTheOthers()
    {
        using var generator = new Generator(_model, _tokenizer);
        using var giveUp = new CancellationTokenSource();
        var endless = ToListUntil(giveUp.Token, generator, RandomPrompt(new(1), 90_000), new()); // minutes
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(n => ToList(generator, [266, n], new() { MaxTokens = 20, StopIds = [] })));
        Assert.All(answers, a => Assert.Equal(20, a.Count));
        Assert.False(endless.IsCompleted);
        giveUp.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => endless);
    }

    [Fact]
    public async Task CancellationIsHeardInsideALongPrompt()
    {
        using var generator = new Generator(_model, _tokenizer);
        using var cancel = new CancellationTokenSource();
        var reading = ToListUntil(cancel.Token, generator, RandomPrompt(new(1), 90_000), new()); // minutes
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes > 0, TimeSpan.FromMinutes(2)));
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes == generator.PrefixBytes, TimeSpan.FromMinutes(2)));
        Assert.Single(await ToList(generator, [266], new() { MaxTokens = 1 }));
    }

    [Fact]
    public async Task LeavingTheEnumerationFreesTheMemory()
    {
        using var generator = new Generator(_model, _tokenizer);
        await foreach (var _ in generator.GenerateAsync(new[] { 266, 3 }, new() { StopIds = [] }, TestContext.Current.CancellationToken))
            break;
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes == generator.PrefixBytes, TimeSpan.FromMinutes(2)));
    }

    [Fact]
    public async Task AReaderThatStandsStillHoldsUpNobody()
    {
        using var generator = new Generator(_model, _tokenizer);
        await using var slow = generator.GenerateAsync(new[] { 266, 3 }, new() { MaxTokens = 200, StopIds = [] }, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await slow.MoveNextAsync());
        Assert.Equal(300, (await ToList(generator, [266, 4], new() { MaxTokens = 300, StopIds = [] })).Count);
        var count = 1;
        while (await slow.MoveNextAsync())
            count++;
        Assert.Equal(200, count);
    }

    [Fact]
    public async Task ABadRequestFailsAlone()
    {
        using var generator = new Generator(_model, _tokenizer);
        var forbidden = Enumerable.Range(0, _model.Config.VocabularySize).ToDictionary(id => id, _ => float.NegativeInfinity);
        var good = Enumerable.Range(0, 8).Select(n => ToList(generator, [266, n], new() { MaxTokens = 50, StopIds = [] })).ToList();
        var bad = ToList(generator, [266], new() { LogitBias = forbidden });
        Assert.Contains("no token", (await Assert.ThrowsAsync<CriaException>(() => bad)).Message);
        Assert.All(await Task.WhenAll(good), a => Assert.Equal(50, a.Count));
    }

    [Fact]
    public async Task AModelThatFailsFailsEveryRequestAndNotTheProcess()
    {
        using var files = TestModels.Write();
        var model = TextModel.Load(files.Path);
        model.Dispose();
        using var generator = new Generator(model);
        foreach (var request in Enumerable.Range(0, 4).Select(_ => ToList(generator, [1], new())).ToList())
            Assert.Contains("the model failed", (await Assert.ThrowsAsync<CriaException>(() => request)).Message);
    }

    [Fact]
    public async Task DisposeEndsRunningAndWaitingRequests()
    {
        var generator = new Generator(_model, _tokenizer);
        var running = Enumerable.Range(0, 80).Select(n => ToList(generator, RandomPrompt(new(n), 1 + n * 50), new() { StopIds = [] })).ToList();
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes > 0, TimeSpan.FromMinutes(2)));
        generator.Dispose();
        foreach (var request in running)
            await Assert.ThrowsAsync<ObjectDisposedException>(() => request);
        Assert.Equal(0, _model.CacheBytes);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ToList(generator, [266], new()));
        generator.Dispose();
    }

    [Fact]
    public void PromptBudgetFollowsTheSpeedOfTheMachine()
    {
        var budget = new PromptBudget();
        var first = budget.Rows;
        budget.Learn(first, TimeSpan.FromSeconds(0.1));
        Assert.Equal(2 * first, budget.Rows);
        budget.Learn(3, TimeSpan.FromMilliseconds(1)); // a short prompt says nothing
        Assert.Equal(2 * first, budget.Rows);
        for (var n = 0; n < 20; n++)
            budget.Learn(budget.Rows, TimeSpan.FromSeconds(10));
        Assert.Equal(16, budget.Rows);
        for (var n = 0; n < 20; n++)
            budget.Learn(budget.Rows, TimeSpan.FromMilliseconds(1));
        Assert.Equal(512, budget.Rows);
    }

    static (int, string, float?, FinishReason?) Facts(GeneratedToken token) => (token.Id, token.Text, token.LogProb, token.Finish);

    static int[] RandomPrompt(Random random, int length) => [266, .. Enumerable.Range(1, length).Select(_ => random.Next(266))];
}
