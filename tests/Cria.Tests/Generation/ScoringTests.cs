using Cria.Generation;
using Cria.Models;
using Cria.Tests.Models;
using Cria.Tokenization;
using static Cria.Tests.Generation.GeneratorTests;

namespace Cria.Tests.Generation;

/// <summary>Continuations are scored beside conversations.</summary>
public sealed class ScoringTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { WithTokenizer = true, MaxPositions = 100_000 });
    readonly Tokenizer _tokenizer;
    readonly TextModel _model;

    public ScoringTests() => (_tokenizer, _model) = (Tokenizer.Load(_files.Path), TextModel.Load(_files.Path));

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
    }

    /// <summary>A whole text, a long context, and more tokens than a step has logits for; at once and with alternatives.</summary>
    [Fact]
    public async Task ScoresAreTheLogSoftmaxOfTheModelsLogits()
    {
        var random = new Random(1);
        ScoringText[] texts = [.. new[] { (1, 300), (1, 1), (400, 3), (63, 2), (64, 65), (65, 400) }.Select(l => Text(random, l.Item1, l.Item2))];
        using var generator = new Generator(_model, _tokenizer);
        var scores = await generator.ScoreAsync(texts, topLogProbs: 3, cancellation: TestContext.Current.CancellationToken);
        generator.Dispose();
        for (var n = 0; n < texts.Length; n++)
        {
            var expected = Expected(_model, texts[n], []);
            Assert.Equal(expected.Length, scores[n].Tokens.Count);
            Assert.Equal(texts[n].Continuation, scores[n].Tokens.Select(t => t.Id));
            Assert.All(expected.Zip(scores[n].Tokens), p =>
            {
                var (all, token) = p;
                Assert.Equal(all[token.Id], token.LogProb, 1e-6 * Math.Abs(all[token.Id]));
                Assert.Equal(Array.IndexOf(all, all.Max()) == token.Id, token.IsGreedy);
                Assert.Equal(all.Select((logProb, id) => (logProb, id)).OrderByDescending(t => t.logProb).Take(3).Select(t => t.id), token.TopLogProbs.Select(t => t.Id));
            });
            Assert.Equal(scores[n].Tokens.Sum(t => (double)t.LogProb), scores[n].LogProb);
            Assert.Equal(Math.Exp(expected.Zip(texts[n].Continuation, (all, id) => -all[id]).Average()), scores[n].Perplexity, 1e-4 * scores[n].Perplexity);
        }
    }

    [Fact]
    public async Task AGreedyAnswerIsGreedyAndHasTheLogProbsItWasWrittenWith()
    {
        int[] prompt = [266, 40, 41, 42];
        using var generator = new Generator(_model, _tokenizer);
        var answer = await ToList(generator, prompt, new() { MaxTokens = 20, StopIds = [], TopLogProbs = 2 });
        int[] ids = [.. answer.Select(t => t.Id)];
        int[] second = [.. ids[..^1], answer[^1].TopLogProbs[1].Id];
        var scores = await generator.ScoreAsync([new(prompt, ids), new(prompt, second), new([.. prompt, .. ids[..7]], ids[7..])], cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(answer.Select(t => t.LogProb!.Value), scores[0].Tokens.Select(t => t.LogProb));
        Assert.Equal([true, false, true], scores.Select(s => s.IsGreedy));
        Assert.Equal((false, answer[^1].TopLogProbs[1].LogProb), (scores[1].Tokens[^1].IsGreedy, scores[1].Tokens[^1].LogProb));
        Assert.Equal(scores[0].Tokens.Skip(7).Select(t => t.LogProb), scores[2].Tokens.Select(t => t.LogProb));
    }

    /// <summary>Also where memory is so short that texts lose what was read of them, and where nothing of a shared context is kept.</summary>
    [Fact]
    public async Task TheSameTextHasTheSameBitsInAnyCompany()
    {
        var random = new Random(2);
        int[][] contexts = [.. Enumerable.Range(0, 6).Select(n => Text(random, random.Next(1, 400), 1).Context)];
        ScoringText[] texts = [.. Enumerable.Range(0, 40).Select(n => new ScoringText(contexts[n % 6], Text(random, 1, random.Next(1, n % 10 == 0 ? 300 : 20)).Continuation))];
        var alone = new List<List<float>>();
        foreach (var text in texts)
            using (var generator = new Generator(_model, _tokenizer))
                alone.AddRange(LogProbs(await generator.ScoreAsync([text], cancellation: TestContext.Current.CancellationToken)));

        foreach (var prefixBytes in new long?[] { null, 0 })
        {
            using var busy = new Generator(_model, _tokenizer, new() { CacheBytes = 20 * _model.Cache.PageBytes, PrefixBytes = prefixBytes, MaxConversations = 12 });
            var answers = Enumerable.Range(0, 10).Select(n => ToList(busy, contexts[n % 6], new() { MaxTokens = 60, StopIds = [] })).ToList();
            var embeddings = busy.EmbedAsync(contexts, cancellation: TestContext.Current.CancellationToken);
            var halves = await Task.WhenAll(busy.ScoreAsync(texts[..20], cancellation: TestContext.Current.CancellationToken), busy.ScoreAsync(texts[20..], cancellation: TestContext.Current.CancellationToken));
            Assert.Equal(alone, halves.SelectMany(LogProbs));
            Assert.All(await Task.WhenAll(answers), a => Assert.Equal(60, a.Count));
            Assert.Equal(6, (await embeddings).Length);
            busy.Dispose();
            Assert.Equal(0, _model.CacheBytes);
        }
    }

    /// <summary>Eight that read the same context would hold it eight times.</summary>
    [Fact]
    public async Task AContextThatContinuationsShareIsReadOnceAndKept()
    {
        const int pages = 50;
        var random = new Random(3);
        var context = Text(random, pages * KvCache.PagePositions, 1).Context;
        ScoringText[] texts = [.. Enumerable.Range(0, 16).Select(_ => new ScoringText([.. context], Text(random, 1, 5).Continuation))];
        using var generator = new Generator(_model, _tokenizer);
        var scoring = generator.ScoreAsync(texts, cancellation: TestContext.Current.CancellationToken);
        var most = 0L;
        while (!scoring.IsCompleted)
        {
            most = Math.Max(most, _model.CacheBytes);
            await Task.Yield();
        }
        await scoring;
        Assert.InRange(most, 1, 2 * pages * _model.Cache.PageBytes);
        var answer = await ToList(generator, [.. context, 1], new() { MaxTokens = 1, StopIds = [] });
        Assert.Equal(context.Length, answer[0].Timings!.CachedTokens);
    }

    [Fact]
    public async Task AnImageIsPartOfTheContext()
    {
        const int image = 96;
        using var files = TestModels.Write(new TestShape { Layers = 4, CrossLayers = [0, 2], Tied = false, HeadSize = 32 });
        using var model = TextModel.Load(files.Path, new() { Compute = ComputeType.F32 });
        var random = new Random(4);
        int[] context = [1, image, .. Enumerable.Range(0, 70).Select(_ => random.Next(image))];
        ImageTiles[] images = [VisionModelTests.Tiles(12, 12, 1), VisionModelTests.Tiles(24, 12, 2)];
        ScoringText[] texts = [.. images.SelectMany(i => new[] { 3, 40 }.Select(length => new ScoringText(context, [.. Enumerable.Range(0, length).Select(_ => random.Next(image))]) { Images = [i] })),
            new([1, .. context[2..]], [5, 6])];
        List<float>[] scores;
        using (var generator = new Generator(model))
        {
            scores = [.. LogProbs(await generator.ScoreAsync(texts, cancellation: TestContext.Current.CancellationToken))];
            Assert.Equal(scores.Reverse(), LogProbs(await generator.ScoreAsync([.. texts.Reverse()], cancellation: TestContext.Current.CancellationToken)));
            await Fails(generator, "1 image tokens (id 96) for 0 images", new ScoringText(context, [1]));
            await Fails(generator, "the continuation of text 0 holds token 96", new ScoringText(context, [image]) { Images = [images[0]] });
        }
        foreach (var (text, score) in texts.Zip(scores))
            Assert.All(Expected(model, text, text.Images).Zip(text.Continuation, (all, id) => all[id]).Zip(score), p => Assert.Equal(p.First, p.Second, 1e-6 * Math.Abs(p.First)));
    }

    [Fact]
    public async Task CancellationIsHeardAndGivesTheMemoryBack()
    {
        using var generator = new Generator(_model, _tokenizer, new() { PrefixBytes = 0 });
        using var cancel = new CancellationTokenSource();
        var scoring = generator.ScoreAsync([Text(new(1), 1, 90_000), Text(new(2), 90_000, 1)], cancellation: cancel.Token); // minutes
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes > 0, TimeSpan.FromMinutes(2)));
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scoring);
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes == 0, TimeSpan.FromMinutes(2)));
        var running = generator.ScoreAsync([Text(new(1), 1, 90_000)], cancellation: TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes > 0, TimeSpan.FromMinutes(2)));
        generator.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
    }

    [Fact]
    public async Task WrongTextsAreRefusedWithTheirNumberBeforeAnyIsRead()
    {
        using var generator = new Generator(_model, _tokenizer, new() { CacheBytes = 3 * _model.Cache.PageBytes });
        await Fails(generator, "text 1 has no context", new([266], [1]), new([], [1]));
        await Fails(generator, "text 0 has no continuation", new ScoringText([266], []));
        await Fails(generator, "text 0 holds token 9999, outside the model's vocabulary of 522", new ScoringText([9999], [1]));
        await Fails(generator, "the continuation of text 0 holds token -1, outside", new ScoringText([266], [-1]));
        await Fails(generator, $"text 0 of 194 tokens does not fit the 192 positions for which {3 * _model.Cache.PageBytes} bytes of keys and values have room", Text(new(1), 100, 94));
        await Fails(generator, "the model takes no images", new ScoringText([266], [1]) { Images = [VisionModelTests.Tiles(12, 12, 1)] });
        Assert.Single(await generator.ScoreAsync([Text(new(1), 100, 93)], cancellation: TestContext.Current.CancellationToken)); // the last token is not read
        Assert.Empty(await generator.ScoreAsync([], cancellation: TestContext.Current.CancellationToken));
        Assert.Contains("logprobs is 1001", (await Assert.ThrowsAsync<CriaException>(() => generator.ScoreAsync([], topLogProbs: 1001, cancellation: TestContext.Current.CancellationToken))).Message);
    }

    [Fact]
    public async Task LogitsOfADamagedModelAreOneError()
    {
        var request = new ScoringRequest(new([266], [1, 2]), null, 0, null);
        using var prefixes = new PrefixCache(_model, 0);
        request.Begin(_model, prefixes, null);
        Assert.Equal(2, request.AddRows([], most: 10));
        request.Take(new float[2 * 522].Append(float.NaN).Skip(1).ToArray());
        request.Publish();
        Assert.Contains("no finite number", (await Assert.ThrowsAsync<CriaException>(() => request.Result)).Message);
        request.Free();
    }

    static ScoringText Text(Random random, int context, int continuation) =>
        new([266, .. Enumerable.Range(1, context - 1).Select(_ => random.Next(266))], [.. Enumerable.Range(0, continuation).Select(_ => random.Next(522))]);

    static IEnumerable<List<float>> LogProbs(IEnumerable<Likelihood> scores) => scores.Select(s => s.Tokens.Select(t => t.LogProb).ToList());

    static async Task Fails(Generator generator, string says, params ScoringText[] texts) =>
        Assert.Contains(says, (await Assert.ThrowsAsync<CriaException>(() => generator.ScoreAsync(texts, cancellation: TestContext.Current.CancellationToken))).Message);

    /// <summary>The log probabilities [continuation, V] of one forward over the whole text.</summary>
    static double[][] Expected(TextModel model, ScoringText text, IEnumerable<ImageTiles> images)
    {
        int[] ids = [.. text.Context, .. text.Continuation];
        using var sequence = model.CreateSequence();
        foreach (var image in images)
        {
            using var features = model.ReadImage(image, cancellation: TestContext.Current.CancellationToken);
            sequence.Add(features);
        }
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Forward([.. ids.Select((id, i) => new Row(sequence, i, id, true))], logits, TestContext.Current.CancellationToken);
        return [.. logits.Chunk(model.Config.VocabularySize).Skip(text.Context.Length - 1).SkipLast(1).Select(row =>
        {
            var normaliser = Math.Log(row.Sum(l => Math.Exp(l)));
            return Array.ConvertAll(row, l => l - normaliser);
        })];
    }
}
