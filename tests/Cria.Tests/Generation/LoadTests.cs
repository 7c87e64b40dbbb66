using Cria.Generation;
using Cria.Models;
using CsCheck;
using static Cria.Tests.Generation.GeneratorTests;

namespace Cria.Tests.Generation;

/// <summary>Requests of every kind under limits of every size.</summary>
public sealed class LoadTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { Vocabulary = 60, MaxPositions = 600 });
    readonly TestModel _draftFiles = TestModels.Write(new TestShape { Vocabulary = 60, MaxPositions = 500, Layers = 1 });
    readonly TextModel _model, _draft;

    public LoadTests() => (_model, _draft) = (TextModel.Load(_files.Path), TextModel.Load(_draftFiles.Path));

    public void Dispose()
    {
        _model.Dispose();
        _draft.Dispose();
        _files.Dispose();
        _draftFiles.Dispose();
    }

    sealed record Request(int[] Prompt, GenerationOptions Options, int CancelAfter);

    long Page => _model.Cache.PageBytes + _draft.Cache.PageBytes;

    [Fact]
    public void TextsDoNotDependOnMemorySharedBeginningsGuessesOrCancellations() => Gen.Int.Sample(seed =>
    {
        var random = new Random(seed);
        var requests = Enumerable.Range(0, 25).ToList().ConvertAll(_ => new Request([], new(), 0));
        for (var n = 0; n < requests.Count; n++)
            requests[n] = SomeRequest(random, requests[random.Next(n + 1)].Prompt);
        var alone = requests.ConvertAll(Alone);
        var budget = random.Next(5, 40) * Page; // the longest takes five pages of 64
        using (var generator = new Generator(_model, options: new()
        {
            Draft = _draft,
            CacheBytes = budget,
            PrefixBytes = random.Next(3) * budget / 2,
            MaxConversations = random.Next(1, 20),
        }))
        {
            var together = Task.WhenAll(requests.Select(r => Task.Run(() => Answer(generator, r, budget)))).GetAwaiter().GetResult();
            for (var n = 0; n < requests.Count; n++)
            {
                Assert.Equal(alone[n].Take(together[n].Count), together[n]);
                if (requests[n].CancelAfter == int.MaxValue)
                    Assert.Equal(alone[n].Count, together[n].Count);
            }
        }
        Assert.Equal((0, 0), (_model.CacheBytes, _draft.CacheBytes));
    }, iter: 12, threads: 1);

    static Request SomeRequest(Random random, int[] other)
    {
        var options = new GenerationOptions
        {
            Temperature = random.Next(2),
            TopP = random.Next(2) == 0 ? 1 : 0.5f,
            RepetitionPenalty = random.Next(3) == 0 ? 1.3f : 1,
            Seed = (ulong)random.Next(),
            MaxTokens = random.Next(1, 60),
            TopLogProbs = 0, // equal log probabilities mean equal logits
            StopIds = random.Next(2) == 0 ? [] : [random.Next(60)],
            Speculation = (Speculation)random.Next(3),
        };
        int[] prompt = [.. other.AsSpan(0, random.Next(Math.Min(other.Length, 200) + 1)), .. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(60))];
        return new(prompt, options, random.Next(3) == 0 ? random.Next(0, 20) : int.MaxValue);
    }

    List<(int, float?, FinishReason?)> Alone(Request request)
    {
        using var generator = new Generator(_model, options: new() { PrefixBytes = 0 });
        return Answer(generator, request with { CancelAfter = int.MaxValue, Options = request.Options with { Speculation = Speculation.Off } }, long.MaxValue).GetAwaiter().GetResult();
    }

    async Task<List<(int, float?, FinishReason?)>> Answer(Generator generator, Request request, long budget)
    {
        var tokens = new List<(int, float?, FinishReason?)>();
        using var cancel = new CancellationTokenSource();
        try
        {
            if (request.CancelAfter == 0)
                cancel.Cancel();
            await foreach (var token in generator.GenerateAsync(request.Prompt, request.Options, cancel.Token))
            {
                tokens.Add((token.Id, token.LogProb, token.Finish));
                if (tokens.Count == request.CancelAfter)
                    cancel.Cancel();
                Assert.InRange(_model.CacheBytes + _draft.CacheBytes, 0, budget);
            }
        }
        catch (OperationCanceledException)
        {
        }
        return tokens;
    }

    [Fact]
    public async Task ARequestThatNeverFitsIsRefusedWithTheNumbers()
    {
        using var generator = new Generator(_model, options: new() { CacheBytes = 3 * _model.Cache.PageBytes + 1 });
        Assert.Equal(192, generator.MaxPositions);
        var refusal = await Assert.ThrowsAsync<CriaException>(() => ToList(generator, new int[100], new() { MaxTokens = 93 }));
        Assert.Contains("100 tokens and 93 more", refusal.Message);
        Assert.Contains("192 positions", refusal.Message);
        Assert.Contains($"{3 * _model.Cache.PageBytes + 1} bytes", refusal.Message);
        Assert.Equal(92, (await ToList(generator, new int[100], new() { StopIds = [] })).Count);
    }

    [Fact]
    public async Task AFullQueueRefusesAndTakesTheNextWhenOneHasGone()
    {
        using var generator = new Generator(_model, options: new() { MaxConversations = 1, MaxQueue = 1 });
        var long_ = new GenerationOptions { MaxTokens = 500, StopIds = [] };
        await using var running = generator.GenerateAsync(new[] { 1 }, long_, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await running.MoveNextAsync());
        var waiting = ToList(generator, [2], new() { MaxTokens = 2, StopIds = [] });
        var refusal = await Assert.ThrowsAsync<CriaException>(() => ToList(generator, [3], new()));
        Assert.Contains("2 requests run or wait", refusal.Message);
        Assert.Contains("1 at once and 1 in the queue", refusal.Message);
        await running.DisposeAsync();
        Assert.Equal(2, (await waiting).Count);
        Assert.Single(await ToList(generator, [3], new() { MaxTokens = 1 }));
    }

    [Fact]
    public void WrongLimitsAreErrors()
    {
        foreach (var (options, field) in new (GeneratorOptions, string)[]
        {
            (new() { MaxConversations = 0 }, "max_conversations"), (new() { MaxQueue = -1 }, "max_queue"), (new() { CacheBytes = -1 }, "-1"),
        })
            Assert.Contains(field, Assert.Throws<CriaException>(() => new Generator(_model, options: options)).Message);
        using var files = TestModels.Write(new TestShape { Vocabulary = 61 });
        using var other = TextModel.Load(files.Path);
        Assert.Contains("61 tokens and the model 60", Assert.Throws<CriaException>(() => new Generator(_model, options: new() { Draft = other })).Message);
        using var generator = new Generator(_model);
        Assert.Contains("no draft model", Assert.Throws<CriaException>(() => generator.GenerateAsync(new[] { 1 }, new() { Speculation = Speculation.Draft }, TestContext.Current.CancellationToken)).Message);
    }
}
