using Cria.Models;
using Cria.Tensors;
using Cria.Tests;
using static TorchSharp.torch;

namespace Cria.Training.Tests;

public sealed class ParityTests
{
    [Theory]
    [InlineData(true, 2, true, ElementType.F32)]
    [InlineData(false, 1, false, ElementType.F32)]
    [InlineData(true, 4, true, ElementType.BF16)]
    public void TheModuleAndTheEngineComputeTheSameLogits(bool tied, int kvHeads, bool scaledRope, ElementType type)
    {
        var shape = new TestShape { Tied = tied, KvHeads = kvHeads, ScaledRope = scaledRope, Type = type };
        using var directory = TestModels.Write(shape);
        Compare(directory.Path, [.. Enumerable.Range(0, 50).Select(i => i * 31 % shape.Vocabulary)], 1e-4);
    }

    [Fact]
    public void TheModuleAndTheEngineComputeTheSameLogitsOfPocket()
    {
        var tokenizer = Tokenization.Tokenizer.Load(ModelLocator.Resolve("pocket"));
        Compare(ModelLocator.Resolve("pocket"), [tokenizer.BosId, .. tokenizer.Encode("Translate to German: the red house. Anna lives in Rome and has 17 apples. " +
            "ฉันมีแมวสีขาว मेरे पास एक किताब है")], 1e-3);
    }

    [Fact]
    public void AnExportedModelIsReadByTheEngineAndReadAgain()
    {
        using var directory = TestModels.Write(new TestShape { WithTokenizer = true, Type = ElementType.BF16 });
        using var model = ModelDirectory.Load(directory.Path, ScalarType.Float32);
        var copy = Path.Combine(directory.Path, "copy");
        ModelDirectory.Save(copy, model, directory.Path, []);
        using var again = ModelDirectory.Load(copy, ScalarType.Float32);
        Assert.Equal(model.Config with { StopIds = [] }, again.Config with { StopIds = [] });
        foreach (var (name, weight) in model.Weights)
            Assert.Equal(0, (weight - again.Weights[name]).abs().max().item<float>());
        Compare(copy, [1, 2, 3], 1e-4);
    }

    static void Compare(string path, int[] ids, double tolerance)
    {
        using var engine = TextModel.Load(path, new ModelOptions { Compute = ComputeType.F32, Threads = 1 });
        using var sequence = engine.CreateSequence();
        var logits = new float[ids.Length * engine.Config.VocabularySize];
        engine.Forward([.. ids.Select((id, i) => new Row(sequence, i, id, true))], logits, TestContext.Current.CancellationToken);

        using var _ = no_grad();
        using var module = ModelDirectory.Load(path, ScalarType.Float32);
        var tokens = tensor(ids.Select(i => (long)i).ToArray(), [1, ids.Length]);
        var expected = module.Logits(module.Hidden(tokens, arange(ids.Length).unsqueeze(0), null)[0]).data<float>().ToArray();
        Assert.Equal(expected.Length, logits.Length);
        Assert.True(expected.Zip(logits, (a, b) => Math.Abs(a - b)).Max() <= tolerance);
    }
}
