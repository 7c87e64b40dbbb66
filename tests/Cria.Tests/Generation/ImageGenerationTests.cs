using Cria.Generation;
using Cria.Models;
using Cria.Tests.Models;

namespace Cria.Tests.Generation;

/// <summary>Prompts with images: their features are read once, and take part in what makes two prompts alike.</summary>
public sealed class ImageGenerationTests : IDisposable
{
    const int Image = 96;

    static readonly TestShape Shape = new() { Layers = 4, CrossLayers = [0, 2], Tied = false, HeadSize = 32 };

    readonly TestModel _files = TestModels.Write(Shape);
    readonly TextModel _model;
    readonly ImageTiles _one, _two;

    public ImageGenerationTests()
    {
        _model = TextModel.Load(_files.Path, new ModelOptions { Compute = ComputeType.F32, Threads = 2 });
        (_one, _two) = (VisionModelTests.Tiles(12, 12, 1), VisionModelTests.Tiles(24, 12, 2));
    }

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
    }

    /// <summary>The same tokens with other images, longer than a page of cached prefixes; alone, at once and again, beside a text without images.</summary>
    [Fact]
    public async Task AnAnswerIsThatOfItsOwnImagesWhateverElseRuns()
    {
        int[] prompt = [1, Image, .. Enumerable.Range(0, 130).Select(i => i % 90), Image, 5, 6];
        ImageTiles[][] images = [[_one, _two], [_two, _one], [_one, _one]];
        int[] text = [.. prompt.Where(id => id != Image)];
        var expected = new List<List<int>>();
        foreach (var (ids, tiles) in images.Select(i => (prompt, i)).Append((text, [])))
        {
            using var alone = new Generator(_model, options: new() { PrefixBytes = 0 });
            expected.Add(await Answer(alone, ids, tiles, Speculation.Off));
        }
        Assert.Equal(4, expected.Select(e => string.Join(',', e)).Distinct().Count());
        using var draftFiles = TestModels.Write(new());
        using var draft = TextModel.Load(draftFiles.Path); // sees no images
        foreach (var speculation in Enum.GetValues<Speculation>())
        {
            using var generator = new Generator(_model, options: new() { Draft = draft });
            for (var round = 0; round < 2; round++)
            {
                var answers = await Task.WhenAll(images.Select(i => Answer(generator, prompt, i, speculation)).Append(Answer(generator, text, [], speculation)));
                Assert.Equal(expected, answers);
            }
        }
        Assert.Equal((0, 0), (_model.CacheBytes, draft.CacheBytes));
    }

    /// <summary>The guesses are what the draft model writes behind the words.</summary>
    [Fact]
    public void ADraftModelReadsTheTextWithoutTheImages()
    {
        var options = new GenerationOptions { Images = [_one, _two], Speculation = Speculation.Draft };
        var conversation = new Conversation([Image, 5, 6, Image, 7], options, new HashSet<int>(), 20, null, Image);
        using (var store = new ImageStore(_model, long.MaxValue))
        using (var prefixes = new PrefixCache(_model, 0))
        {
            store.Add(conversation);
            Assert.Same(conversation, Assert.Single(Advance(store)));
            conversation.Begin(_model, prefixes, _model);
            for (var round = 0; round < 2; round++) // the second after wrong guesses, which leave no trace
            {
                conversation.Guesses.Ids.Clear();
                new DraftModel(_model).Guess([(conversation, 4)], promptRows: 8, TestContext.Current.CancellationToken);
                Assert.Equal(Greedy([5, 6, 7], 4), conversation.Guesses.Ids);
            }
            conversation.Fail(new CriaException("over"));
        }
        Assert.Equal(0, _model.CacheBytes);
    }

    List<int> Greedy(List<int> text, int count)
    {
        using var sequence = _model.CreateSequence();
        var logits = new float[_model.Config.VocabularySize];
        foreach (var at in Enumerable.Range(0, text.Count + count - 1))
        {
            _model.Forward([new(sequence, at, text[at], true)], logits, TestContext.Current.CancellationToken);
            if (at == text.Count - 1)
                text.Add(Logits.ArgMax(logits));
        }
        return text[^count..];
    }

    [Fact]
    public void AnImageIsReadOnceAndTheLeastRecentlyUsedIsForgotten()
    {
        using var store = new ImageStore(_model, budget: 2 * _model.BytesOf(_one));
        var key = Use(store, _one);
        Assert.True(key < 0);
        Assert.Equal(key, Use(store, VisionModelTests.Tiles(12, 12, 1)));
        var kept = Ready(store, _two);
        Use(store, VisionModelTests.Tiles(12, 12, 3)); // in the place of the first
        Use(store, VisionModelTests.Tiles(12, 12, 4));
        Assert.Equal(kept.Ids[0], Use(store, _two)); // was in use all the time
        Assert.NotEqual(key, Use(store, _one));
        Assert.Equal(2 * _model.BytesOf(_one), _model.CacheBytes);
        kept.Fail(new CriaException("over"));
    }

    [Fact]
    public void ARequestWaitsUntilOthersLeaveRoomForItsImages()
    {
        using var store = new ImageStore(_model, budget: _model.BytesOf(_one));
        var first = Ready(store, _two);
        var second = Request(_one);
        store.Add(second);
        Assert.Empty(store.Advance());
        Assert.False(store.IsIdle);
        first.Fail(new CriaException("over"));
        Assert.Same(second, Assert.Single(Advance(store)));
        var third = Request(_two);
        store.Add(third);
        third.Abandon();
        Assert.Empty(store.Advance());
        Assert.True(store.IsIdle);
        second.Fail(new CriaException("over"));
    }

    [Fact]
    public void TwoThatWaitForOneImageReadItOnce()
    {
        using var store = new ImageStore(_model, _model.BytesOf(_one)) { Slice = TimeSpan.Zero };
        Conversation[] requests = [Request(_one), Request(_one)];
        Array.ForEach(requests, store.Add);
        Assert.Empty(store.Advance()); // a step of several
        var ready = new List<Request>();
        while (!store.IsIdle)
            ready.AddRange(store.Advance());
        Assert.Equal(requests, ready);
        Assert.Equal(requests[0].Ids[0], requests[1].Ids[0]);
        Assert.Equal(_model.BytesOf(_one), _model.CacheBytes);
        Array.ForEach(requests, request => request.Fail(new CriaException("over")));
    }

    [Fact]
    public void AnImageThatNobodyWaitsForIsReadNoMore()
    {
        var store = new ImageStore(_model, long.MaxValue) { Slice = TimeSpan.Zero };
        var (first, second) = (Request(_one), Request(_two));
        store.Add(first);
        store.Add(second);
        Assert.Empty(store.Advance());
        Assert.Equal(_model.BytesOf(_one), _model.CacheBytes);
        first.Abandon();
        Assert.Empty(store.Advance());
        Assert.Empty(store.Advance()); // the second's
        Assert.Equal(_model.BytesOf(_two), _model.CacheBytes);
        second.Abandon();
        Assert.Empty(store.Advance());
        Assert.True(store.IsIdle);
        Assert.Equal(0, _model.CacheBytes);
        store.Add(Request(_one));
        Assert.Empty(store.Advance());
        store.Fail(() => new CriaException("the end"));
        store.Dispose(); // in the middle of it
        Assert.Equal(0, _model.CacheBytes);
    }

    /// <summary>With room for two images of six, many callers, some of whom leave at any moment, each with an adapter of its own that it then unloads.</summary>
    [Fact]
    public async Task CallersThatLeaveAndUnloadTheirAdaptersDisturbNobody()
    {
        var path = TestAdapters.Write(_files.File("adapter"), TestAdapters.Products(Shape, n => n.Contains(".fc1."), seed: 1));
        ImageTiles[] images = [_one, _two, VisionModelTests.Tiles(12, 12, 3)];
        using (var generator = new Generator(_model, options: new() { MaxConversations = 4, ImageBytes = 2 * _model.BytesOf(_two) }))
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 48).Select(i => Task.Run(() => AnswerAsync(generator, i))));
            foreach (var alike in answers.Select((answer, i) => (answer, i)).Where(a => a.answer.Length > 0).GroupBy(a => (a.i % 3, a.i % 2), a => a.answer))
                Assert.Single(alike.Distinct());
            Assert.Equal(6, answers.Where(a => a.Length > 0).Distinct().Count());
        }
        Assert.Equal(0, _model.CacheBytes);

        async Task<string> AnswerAsync(Generator generator, int i)
        {
            using var adapter = i % 2 == 0 ? null : _model.LoadAdapter(path);
            using var leave = new CancellationTokenSource();
            var leaving = i % 5 != 0 ? Task.CompletedTask : Task.Run(async () =>
            {
                for (var moments = 40 * i; moments > 0; moments--)
                    await Task.Yield();
                leave.Cancel();
            });
            var options = new GenerationOptions { MaxTokens = 6, StopIds = [], Images = [images[i % 3]], Adapter = adapter, Temperature = 2, Seed = 1 };
            var answer = new List<int>();
            try
            {
                await foreach (var token in generator.GenerateAsync((int[])[1, Image, 2], options, leave.Token))
                    answer.Add(token.Id);
                return string.Join(',', answer);
            }
            catch (OperationCanceledException)
            {
                return "";
            }
            finally
            {
                await leaving;
            }
        }
    }

    /// <summary>Its caller may leave and unload the adapter at any moment.</summary>
    [Fact]
    public void ARequestWhoseAdapterIsGoneEndsAlone()
    {
        var adapter = _model.LoadAdapter(TestAdapters.Write(_files.File("adapter"), TestAdapters.Products(Shape, n => n.Contains(".fc1."), seed: 1)));
        Conversation[] requests = [.. new[] { null, adapter, adapter }.Select(a => new Conversation([Image, 1], new() { Images = [_one], Adapter = a }, new HashSet<int>(), 1, null, Image))];
        using (var store = new ImageStore(_model, long.MaxValue))
        using (var admission = new Admission(_model, new GeneratorOptions().Complete(_model)))
        {
            store.Add(requests[0]);
            store.Add(requests[1]);
            for (var waiting = 2; waiting > 0;)
            {
                var ready = store.Advance();
                waiting -= ready.Count;
                admission.Add(ready);
            }
            adapter.Dispose();
            admission.Prepare();
            Assert.Equal([requests[0]], admission.Active);
            Assert.Equal((false, true), (requests[0].IsOver, requests[1].IsOver));
            using var other = new ImageStore(_model, long.MaxValue);
            other.Add(requests[2]);
            Assert.Empty(other.Advance());
            Assert.True(requests[2].IsOver && other.IsIdle);
            admission.Fail(() => new CriaException("over"), all: true);
        }
        Assert.Equal(0, _model.CacheBytes);
    }

    [Theory]
    [InlineData(1, 2, null), InlineData(2, 1, null), InlineData(0, 1, null), InlineData(1, 0, null), InlineData(1, 1, "image_bytes"), InlineData(1, 1, "tiles of 20")]
    public void ImagesThatDoNotFitThePromptAreOneError(int tokens, int images, string? other)
    {
        using var generator = new Generator(_model, options: new() { ImageBytes = other == "image_bytes" ? 1 : null });
        var image = other == "tiles of 20" ? new ImageTransform(20).Apply(VisionModelTests.Png(5, 5, 1), "x") : _one;
        var options = new GenerationOptions { Images = [.. Enumerable.Repeat(image, images)] };
        var message = Assert.Throws<CriaException>(() => generator.GenerateAsync((int[])[1, .. Enumerable.Repeat(Image, tokens)], options, TestContext.Current.CancellationToken)).Message;
        Assert.Contains(other ?? $"{tokens} image tokens", message);
    }

    [Fact]
    public void ATextModelTakesNoImages()
    {
        using var files = TestModels.Write();
        using var model = TextModel.Load(files.Path);
        using var generator = new Generator(model);
        Assert.Contains("no images", Assert.Throws<CriaException>(() => generator.GenerateAsync((int[])[1], new() { Images = [_one] }, TestContext.Current.CancellationToken)).Message);
        Assert.Throws<CriaException>(() => model.ReadImage(_one, cancellation: TestContext.Current.CancellationToken));
    }

    static Conversation Request(ImageTiles image) => new([Image, 1], new GenerationOptions { Images = [image] }, new HashSet<int>(), 1, null, Image);

    static List<Request> Advance(ImageStore store)
    {
        while (true)
            if (store.Advance() is { Count: > 0 } ready)
                return ready;
    }

    static Conversation Ready(ImageStore store, ImageTiles image)
    {
        var request = Request(image);
        store.Add(request);
        Assert.Same(request, Assert.Single(Advance(store)));
        return request;
    }

    /// <summary>What stands for the image in the text of a request that is then over.</summary>
    static int Use(ImageStore store, ImageTiles image)
    {
        var request = Ready(store, image);
        var key = request.Ids[0];
        request.Fail(new CriaException("over"));
        return key;
    }

    static async Task<List<int>> Answer(Generator generator, int[] prompt, ImageTiles[] images, Speculation speculation)
    {
        var answer = new List<int>();
        await foreach (var token in generator.GenerateAsync(prompt, new() { MaxTokens = 8, Images = images, StopIds = [], Speculation = speculation, Temperature = 2, Seed = 1, RepetitionPenalty = 1.1f }, TestContext.Current.CancellationToken))
            answer.Add(token.Id);
        return answer;
    }
}
