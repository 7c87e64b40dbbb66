using Cria.Generation;
using Cria.Models;
using CsCheck;
using static Cria.Tests.Generation.GeneratorTests;

namespace Cria.Tests.Models;

/// <summary>States of conversations on disk.</summary>
public sealed class SequenceFileTests : IDisposable
{
    static readonly TestShape Vision = new() { Layers = 4, CrossLayers = [0, 2], Tied = false };

    readonly TestModel _files = TestModels.Write(new TestShape { Vocabulary = 60, MaxPositions = 1000 });
    readonly TextModel _model;

    public SequenceFileTests() => _model = TextModel.Load(_files.Path);

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
    }

    string State => _files.File("state.kv");

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    public async Task ASavedConversationGoesOnInAnotherProcessAsIfItHadNeverEnded(KvType kv)
    {
        var options = new GenerationOptions { MaxTokens = 40, StopIds = [], TopLogProbs = 0 };
        int[] prompt = [.. Enumerable.Range(0, 150).Select(i => i * i % 59)], next;
        List<GeneratedToken> expected;
        using (var model = TextModel.Load(_files.Path, new() { Kv = kv }))
        using (var generator = new Generator(model))
        {
            next = [.. prompt, .. (await ToList(generator, prompt, options)).Select(t => t.Id), 3];
            Assert.Equal(128, await generator.SaveAsync(next, State)); // of 189 that were read
            expected = await ToList(generator, next, options);
        }
        using var later = TextModel.Load(_files.Path, new() { Kv = kv, Threads = 1 });
        using var restored = new Generator(later);
        Assert.Equal(128, await restored.LoadAsync(State));
        Assert.Equal(2 * later.Cache.PageBytes, restored.PrefixBytes);
        Assert.Equal(restored.PrefixBytes, later.CacheBytes);
        Assert.Equal(expected.Select(t => (t.Id, t.LogProb)), (await ToList(restored, next, options)).Select(t => (t.Id, t.LogProb)));
        Assert.False(File.Exists(State + ".new"));
    }

    [Fact]
    public async Task AnotherModelsStateIsRefused()
    {
        await Save(_model);
        using var otherFiles = TestModels.Write(new TestShape { Vocabulary = 60, MaxPositions = 1000, Seed = 2 });
        using var other = TextModel.Load(otherFiles.Path);
        using var exact = TextModel.Load(_files.Path, new() { Compute = ComputeType.F32 });
        foreach (var model in new[] { other, exact })
        {
            using var generator = new Generator(model);
            Assert.Contains("another model", (await Assert.ThrowsAsync<CriaException>(() => generator.LoadAsync(State))).Message);
            Assert.Equal(0, model.CacheBytes);
        }
        using var small = new Generator(_model, options: new() { CacheBytes = _model.Cache.PageBytes });
        Assert.Contains("128 positions; there is room for 64", (await Assert.ThrowsAsync<CriaException>(() => small.LoadAsync(State))).Message);
        var bytes = File.ReadAllBytes(State);
        bytes[7] = (byte)'1';
        File.WriteAllBytes(State, bytes);
        Assert.Contains("this version's layout", Assert.Throws<CriaException>(() => SequenceFile.Load(_model, State, 1000, 0)).Message);
    }

    /// <summary>Two images, the first of them twice; an adapter that changes how they are read, or none.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task ASavedConversationNeedsItsImagesNoMore(bool isAdapted)
    {
        using var files = TestModels.Write(Vision);
        var adapter = isAdapted ? TestAdapters.Write(files.File("adapter"), TestAdapters.Products(Vision, n => n.Contains(".fc1."), seed: 1)) : null;
        ImageTiles[] images = [VisionModelTests.Tiles(12, 12, 1), VisionModelTests.Tiles(30, 12, 2), VisionModelTests.Tiles(12, 12, 1)];
        int[] prompt = [1, 96, .. Enumerable.Range(0, 80).Select(i => i % 90), 96, 7, 96, .. Enumerable.Range(0, 60), 96, 5];
        var options = new GenerationOptions { MaxTokens = 20, StopIds = [], TopLogProbs = 0, Temperature = 1, Seed = 1, Images = [.. images, VisionModelTests.Tiles(12, 12, 4)] };
        List<GeneratedToken> expected;
        using (var model = TextModel.Load(files.Path, new() { Adapter = adapter }))
        using (var generator = new Generator(model))
        {
            expected = await ToList(generator, prompt, options);
            Assert.Equal(128, await generator.SaveAsync(prompt, State, images));
        }
        using var later = TextModel.Load(files.Path, new() { Threads = 1, Adapter = adapter });
        using (var restored = new Generator(later))
        {
            Assert.Equal(128, await restored.LoadAsync(State));
            Assert.Equal(2 * later.Cache.PageBytes + later.BytesOf(images[0]) + later.BytesOf(images[1]), later.CacheBytes);
            var answer = await ToList(restored, prompt, options);
            Assert.Equal(expected.Select(t => (t.Id, t.LogProb)), answer.Select(t => (t.Id, t.LogProb)));
            Assert.Equal(128, answer[^1].Timings!.CachedTokens);
        }
        Assert.Equal(0, later.CacheBytes);
        using var small = new Generator(later, options: new() { ImageBytes = later.BytesOf(images[1]) });
        Assert.Contains("images of", (await Assert.ThrowsAsync<CriaException>(() => small.LoadAsync(State))).Message);
        if (!isAdapted)
            return;
        using var plain = TextModel.Load(files.Path);
        Assert.Contains("--adapter", Assert.Throws<CriaException>(() => SequenceFile.Load(plain, State, 1000, long.MaxValue)).Message);
    }

    [Fact]
    public async Task ATextIsSavedUpToAnImageThatIsForgotten()
    {
        using var files = TestModels.Write(Vision);
        using var model = TextModel.Load(files.Path);
        ImageTiles[] images = [VisionModelTests.Tiles(12, 12, 1), VisionModelTests.Tiles(12, 12, 2)];
        int[] prompt = [96, .. Enumerable.Range(0, 70), 96, .. Enumerable.Range(0, 70)];
        using var generator = new Generator(model, options: new() { ImageBytes = 2 * model.BytesOf(images[0]) });
        await ToList(generator, prompt, new() { MaxTokens = 1, Images = images });
        await ToList(generator, [96, 1], new() { MaxTokens = 1, Images = [images[0]] });
        await ToList(generator, [96, 1], new() { MaxTokens = 1, Images = [VisionModelTests.Tiles(12, 12, 3)] }); // in the place of the second
        Assert.Equal(64, await generator.SaveAsync(prompt, State, images));
        Assert.Equal(0, await generator.SaveAsync(prompt, State, []));
        Assert.Equal(0, await generator.SaveAsync((int[])[96, 1], State, images[..1])); // no whole page, but the image
        using var later = TextModel.Load(files.Path);
        using var restored = new Generator(later);
        Assert.Equal(0, await restored.LoadAsync(State));
        Assert.Equal(later.BytesOf(images[0]), later.CacheBytes);
    }

    [Fact]
    public async Task ADamagedFileIsOneErrorAndCostsNothing()
    {
        await Save(_model);
        Damage(_model);
        Assert.Contains("no/such", Assert.Throws<CriaException>(() => SequenceFile.Load(_model, _files.File("no/such"), 1000, 0)).Message);
        using var sequence = _model.CreateSequence();
        Assert.Contains("not saved", Assert.Throws<CriaException>(() => SequenceFile.Save(_model, sequence, [], _files.File("no/such"))).Message);

        using var files = TestModels.Write(Vision);
        using var seeing = TextModel.Load(files.Path);
        using (var generator = new Generator(seeing))
        {
            ImageTiles[] images = [VisionModelTests.Tiles(12, 12, 1), VisionModelTests.Tiles(12, 12, 2)];
            int[] prompt = [96, 96, .. Enumerable.Range(0, 70)];
            await ToList(generator, prompt, new() { MaxTokens = 1, Images = images });
            Assert.Equal(64, await generator.SaveAsync(prompt, State, images));
        }
        Damage(seeing);
    }

    void Damage(TextModel model)
    {
        var whole = File.ReadAllBytes(State);
        Gen.Int.Sample(seed =>
        {
            var random = new Random(seed);
            var bytes = whole.ToArray();
            if (random.Next(4) == 0)
                Array.Resize(ref bytes, random.Next(3) == 0 ? bytes.Length + random.Next(1, 100) : random.Next(bytes.Length));
            else
                bytes[random.Next(2) == 0 ? random.Next(200) : random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(State, bytes);
            var error = Assert.Throws<CriaException>(() => SequenceFile.Load(model, State, 1000, long.MaxValue));
            Assert.StartsWith(State + ": ", error.Message);
            Assert.Equal(0, model.CacheBytes);
        }, iter: 300, threads: 1);
    }

    /// <summary>The state of 128 positions.</summary>
    async Task Save(TextModel model)
    {
        using var generator = new Generator(model);
        int[] prompt = [.. Enumerable.Range(0, 140).Select(i => i % 7)];
        await ToList(generator, prompt, new() { MaxTokens = 1 });
        await generator.SaveAsync(prompt, State);
    }
}
