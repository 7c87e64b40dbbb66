using Cria.Generation;
using Cria.Models;
using CsCheck;
using static Cria.Tests.Generation.GeneratorTests;

namespace Cria.Tests.Models;

/// <summary>States of conversations on disk.</summary>
public sealed class SequenceFileTests : IDisposable
{
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
    }

    [Fact]
    public async Task ADamagedFileIsOneErrorAndCostsNothing()
    {
        await Save(_model);
        var whole = File.ReadAllBytes(State);
        Gen.Int.Sample(seed =>
        {
            var random = new Random(seed);
            var bytes = whole.ToArray();
            if (random.Next(4) == 0)
                Array.Resize(ref bytes, random.Next(3) == 0 ? bytes.Length + random.Next(1, 100) : random.Next(bytes.Length));
            else
                bytes[random.Next(2) == 0 ? random.Next(100) : random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(State, bytes);
            var error = Assert.Throws<CriaException>(() => SequenceFile.Load(_model, State, 1000));
            Assert.StartsWith(State + ": ", error.Message);
            Assert.Equal(0, _model.CacheBytes);
        }, iter: 300, threads: 1);
        Assert.Contains("no/such", Assert.Throws<CriaException>(() => SequenceFile.Load(_model, _files.File("no/such"), 1000)).Message);
        using var sequence = _model.CreateSequence();
        Assert.Contains("not saved", Assert.Throws<CriaException>(() => SequenceFile.Save(_model, sequence, [], _files.File("no/such"))).Message);
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
