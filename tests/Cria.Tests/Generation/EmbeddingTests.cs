using Cria.Generation;
using Cria.Models;
using Cria.Tokenization;
using static Cria.Tests.Generation.GeneratorTests;

namespace Cria.Tests.Generation;

/// <summary>Texts are embedded beside conversations.</summary>
public sealed class EmbeddingTests : IDisposable
{
    const int Width = 48;

    readonly TestModel _files = TestModels.Write(new TestShape { WithTokenizer = true, MaxPositions = 100_000, Hidden = Width });
    readonly Tokenizer _tokenizer;
    readonly TextModel _model;

    public EmbeddingTests() => (_tokenizer, _model) = (Tokenizer.Load(_files.Path), TextModel.Load(_files.Path));

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task AnEmbeddingIsTheMeanOfTheStatesAtLengthOne()
    {
        var text = RandomText(new(1), 700);
        var states = new float[text.Length * Width];
        using (var sequence = _model.CreateSequence())
            _model.Forward([.. text.Select((t, i) => new Row(sequence, i, t, false, WantsState: true))], [], states, TestContext.Current.CancellationToken);
        var mean = Enumerable.Range(0, Width).Select(i => states.Where((_, at) => at % Width == i).Average(s => (double)s)).ToArray();
        var length = Math.Sqrt(mean.Sum(m => m * m));

        using var generator = new Generator(_model, _tokenizer);
        var embedding = Assert.Single(await generator.EmbedAsync([text], cancellation: TestContext.Current.CancellationToken));
        Assert.All(mean.Zip(embedding), p => Assert.Equal(p.First / length, p.Second, 1e-6));
        Assert.Equal(1, embedding.Sum(e => (double)e * e), 1e-6);
    }

    /// <summary>Also where memory is so short that texts lose what was read of them, and of what conversations have left in the cache.</summary>
    [Fact]
    public async Task TheSameTextHasTheSameBitsInAnyCompany()
    {
        var random = new Random(2);
        int[][] texts = [.. Enumerable.Range(0, 40).Select(n => RandomText(random, random.Next(1, n % 10 == 0 ? 1200 : 90)))];
        var alone = new List<float[]>();
        using (var generator = new Generator(_model, _tokenizer))
            foreach (var text in texts)
                alone.AddRange(await generator.EmbedAsync([text], cancellation: TestContext.Current.CancellationToken));

        using var busy = new Generator(_model, _tokenizer, new() { CacheBytes = 40 * _model.Cache.PageBytes, MaxConversations = 12 });
        var answers = Enumerable.Range(0, 10).Select(n => ToList(busy, texts[n], new() { MaxTokens = 60, StopIds = [] })).ToList();
        var halves = await Task.WhenAll(busy.EmbedAsync(texts[..20], cancellation: TestContext.Current.CancellationToken), busy.EmbedAsync(texts[20..], cancellation: TestContext.Current.CancellationToken));
        Assert.Equal(alone, halves.SelectMany(h => h));
        Assert.All(await Task.WhenAll(answers), a => Assert.Equal(60, a.Count));
        busy.Dispose();
        Assert.Equal(0, _model.CacheBytes);
    }

    [Fact]
    public async Task AdaptersAndTheirAbsenceGoTogether()
    {
        var shape = new TestShape { WithTokenizer = true, Hidden = Width };
        using var adapter = _model.LoadAdapter(TestAdapters.Write(_files.File("adapter"), TestAdapters.Products(shape with { Vocabulary = TestModels.TokenizerSize }, n => n.Contains("q_proj"), seed: 3)));
        using var generator = new Generator(_model, _tokenizer);
        int[][] texts = [[266, 1, 2, 3], RandomText(new(4), 100)];
        var (plain, adapted) = (generator.EmbedAsync(texts, cancellation: TestContext.Current.CancellationToken), generator.EmbedAsync(texts, adapter, TestContext.Current.CancellationToken));
        Assert.NotEqual(await plain, await adapted);
        Assert.Equal(await generator.EmbedAsync(texts, cancellation: TestContext.Current.CancellationToken), await plain);
    }

    [Fact]
    public async Task CancellationIsHeardAndGivesTheMemoryBack()
    {
        using var generator = new Generator(_model, _tokenizer);
        using var cancel = new CancellationTokenSource();
        var reading = generator.EmbedAsync([RandomText(new(1), 90_000), RandomText(new(2), 90_000)], cancellation: cancel.Token); // minutes
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes > 0, TimeSpan.FromMinutes(2)));
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes == 0, TimeSpan.FromMinutes(2)));
        Assert.Single(await generator.EmbedAsync([[266]], cancellation: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task DisposeEndsWhatRuns()
    {
        var generator = new Generator(_model, _tokenizer);
        var reading = generator.EmbedAsync([.. Enumerable.Range(0, 20).Select(n => RandomText(new(n), 9_000))], cancellation: TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => _model.CacheBytes > 0, TimeSpan.FromMinutes(2)));
        generator.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
        Assert.Equal(0, _model.CacheBytes);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => generator.EmbedAsync([[266]], cancellation: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task WrongTextsAreRefusedWithTheirNumberBeforeAnyIsRead()
    {
        using var generator = new Generator(_model, _tokenizer, new() { CacheBytes = 3 * _model.Cache.PageBytes });
        await Fails("text 1 has no tokens", [266], []);
        await Fails("text 1 holds token 9999, outside the model's vocabulary of 522", [266], [9999]);
        await Fails($"text 0 of 193 tokens does not fit the 192 positions for which {3 * _model.Cache.PageBytes} bytes of keys and values have room", new int[193]);
        using var whole = new Generator(_model, _tokenizer);
        Assert.Contains("text 0 of 100001 tokens does not fit the model's context of 100000",
            (await Assert.ThrowsAsync<CriaException>(() => whole.EmbedAsync([new int[100_001]], cancellation: TestContext.Current.CancellationToken))).Message);
        Assert.Empty(await generator.EmbedAsync([], cancellation: TestContext.Current.CancellationToken));

        async Task Fails(string says, params int[][] texts) =>
            Assert.Equal(says, (await Assert.ThrowsAsync<CriaException>(() => generator.EmbedAsync(texts, cancellation: TestContext.Current.CancellationToken))).Message);
    }

    static int[] RandomText(Random random, int length) => [266, .. Enumerable.Range(1, length - 1).Select(_ => random.Next(266))];
}
