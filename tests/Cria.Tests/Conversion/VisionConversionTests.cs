using Cria.Conversion;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;
using Cria.Tests.Formats;

namespace Cria.Tests.Conversion;

/// <summary>Vision models as GGUF in Ollama's convention and in Hugging Face's form.</summary>
public sealed class VisionConversionTests
{
    [Theory]
    [InlineData("a-hf-bf16"), InlineData("c-hf-bf16")]
    public void ThereAndBackNothingIsLost(string name)
    {
        using var folder = new TestModel();
        var source = TestFiles.Golden("vision", "models", name);
        GgufConversion.Write(source, folder.File("model.gguf"), null, 2, null, TestContext.Current.CancellationToken);
        HuggingFaceConversion.Write(folder.File("model.gguf"), folder.File("back"), null, 2, null, TestContext.Current.CancellationToken);
        VisionCheckpointTests.AssertSameWeights(source, folder.File("model.gguf"));
        VisionCheckpointTests.AssertSameWeights(source, folder.File("back"));
        AssertSameConfig(ModelConfig.Read(Path.Combine(source, "config.json")), ModelConfig.Read(Path.Combine(folder.File("back"), "config.json")));
    }

    /// <summary>Of a gate in F32 the tanh, which GGUF has in its place.</summary>
    [Theory]
    [InlineData(ElementType.BF16), InlineData(ElementType.F16), InlineData(ElementType.F32)]
    public void ThereAndBackEveryTensorHasTheBitsItHad(ElementType type)
    {
        using var source = TestModels.Write(new() { Layers = 4, CrossLayers = [0, 2], Tied = false, Type = type, HeadSize = 8 });
        GgufConversion.Write(source.Path, source.File("model.gguf"), null, 2, null, TestContext.Current.CancellationToken);
        HuggingFaceConversion.Write(source.File("model.gguf"), source.File("back"), null, 2, null, TestContext.Current.CancellationToken);
        using var first = SafetensorsFile.Open(source.File("model.safetensors"));
        using var second = SafetensorsFile.Open(Path.Combine(source.File("back"), "model.safetensors"));
        Assert.Equal(first.Tensors.Select(t => (t.Name, t.Type, t.Count)).Order(), second.Tensors.Select(t => (t.Name, t.Type, t.Count)).Order());
        foreach (var tensor in first.Tensors)
        {
            var (expected, actual) = (new float[tensor.Count], new float[tensor.Count]);
            tensor.CopyTo(expected);
            second.Find(tensor.Name)!.CopyTo(actual);
            Assert.True(expected.SequenceEqual(actual) || (type == ElementType.F32 && tensor.Count == 1 && MathF.Tanh(expected[0]) == MathF.Tanh(actual[0])), tensor.Name);
        }
    }

    /// <summary>Also where no frequency is scaled in full, or none lies between those that are and those that are not.</summary>
    [Theory]
    [InlineData(500000, 128, 8, 8192), InlineData(500000, 64, 32, 8192), InlineData(500000, 64, 6.5, 1000), InlineData(10000, 8, 8, 8192), InlineData(500000, 10, 8, 64), InlineData(500000, 4, 32, 8192)]
    public void FactorsBecomeTheScalingThatTheyAreOf(float theta, int headSize, float factor, int context)
    {
        var plain = Rope.Frequencies(theta, headSize, null);
        var scaled = Rope.Frequencies(theta, headSize, new(factor, 1, 4, context));
        var found = RopeScalingFit.Of(VisionCheckpointTests.Published(4096, 40, 32, 14336, 560) with { RopeTheta = theta, HeadSize = headSize, RopeFactors = [.. plain.Zip(scaled, (p, s) => p / s)] }, "x");
        Assert.All(scaled.Zip(Rope.Frequencies(theta, headSize, found)), f => Assert.Equal(1, f.Second / f.First, 1e-4f));
    }

    [Theory]
    [InlineData("b-meta-bf16-2shards", "b-hf-bf16"), InlineData("p-gguf-pair", null)]
    public void EverySourceCanBeWritten(string name, string? same)
    {
        using var folder = new TestModel();
        var source = ModelLocator.Resolve(TestFiles.Golden("vision", "models", name));
        GgufConversion.Write(source, folder.File("model.gguf"), null, 2, null, TestContext.Current.CancellationToken);
        HuggingFaceConversion.Write(source, folder.File("hf"), null, 2, null, TestContext.Current.CancellationToken);
        VisionCheckpointTests.AssertSameWeights(folder.File("hf"), folder.File("model.gguf"));
        if (same is not null)
            VisionCheckpointTests.AssertSameWeights(TestFiles.Golden("vision", "models", same), folder.File("hf"));
    }

    [Fact]
    public void TheTokenOfAnImageComesBehindTheVocabularyThatHadItWithin()
    {
        using var source = TestModels.Write(new() { Layers = 3, CrossLayers = [1], Vocabulary = 512 });
        File.WriteAllLines(source.File("tokenizer.model"), Enumerable.Range(0, 256).Select(rank => $"{Convert.ToBase64String([(byte)rank])} {rank}"));
        Assert.Equal(256 + 11, ModelTokenizer.Load(source.Path).SpecialId("<|image|>"));
        GgufConversion.Write(source.Path, source.File("model.gguf"), null, 2, null, TestContext.Current.CancellationToken);
        HuggingFaceConversion.Write(source.Path, source.File("hf"), null, 2, null, TestContext.Current.CancellationToken);
        foreach (var target in (string[])["model.gguf", "hf"])
        {
            using var model = Checkpoint.Open(source.File(target));
            var tokenizer = ModelTokenizer.Load(source.File(target));
            Assert.Equal(512, model.Config.ImageTokenId);
            Assert.Equal(512, tokenizer.SpecialId("<|image|>"));
            Assert.Equal(256 + 11, tokenizer.SpecialId("<|reserved_special_token_3|>"));
            Assert.Equal(256 + 9, tokenizer.EotId);
        }
    }

    [Fact]
    public void TheEncoderIsQuantizedToEightBitsAndItsTablesAreNot()
    {
        using var folder = new TestModel();
        GgufConversion.Write(TestFiles.Golden("vision", "models", "a-hf-bf16"), folder.File("model.gguf"), QuantizationRecipe.Find("q4_0"), 2, null, TestContext.Current.CancellationToken);
        using var model = Checkpoint.Open(folder.File("model.gguf"));
        foreach (var role in (TensorRole[])[TensorRole.Query, TensorRole.Down])
            Assert.Equal(ElementType.Q4_0, model.Get(role).Type);
        foreach (var role in (TensorRole[])[TensorRole.CrossQuery, TensorRole.CrossValue, TensorRole.CrossOutput])
            Assert.Equal(ElementType.Q4_0, model.Get(role, model.Config.CrossAttentionLayers[0]).Type);
        foreach (var role in (TensorRole[])[TensorRole.VisionQuery, TensorRole.VisionUp, TensorRole.VisionDown, TensorRole.VisionProjector])
            Assert.Equal(ElementType.Q8_0, model.Get(role).Type);
        foreach (var role in (TensorRole[])[TensorRole.VisionPatch, TensorRole.VisionPosition, TensorRole.VisionTilePosition, TensorRole.VisionPreTile])
            Assert.Equal(ElementType.BF16, model.Get(role).Type);
    }

    [Fact]
    public void TheModelOf11BFitsIn8GB()
    {
        var (config, recipe) = (VisionCheckpointTests.Published(4096, 40, 32, 14336, 560), QuantizationRecipe.Find("q4_k"));
        var bytes = GgufConversion.Parts(config).Sum(p =>
        {
            var type = p.Shape.Length == 1 ? ElementType.F32 : recipe.TypeOf(p.Role, p.Layer, config.LayerCount, p.Shape[1], ElementType.BF16);
            return type.Bytes(p.Shape.Aggregate(1L, (a, b) => a * b));
        });
        Assert.InRange(bytes, 6.0e9, 7.2e9);
    }

    static void AssertSameConfig(ModelConfig expected, ModelConfig actual)
    {
        Assert.Equal(expected.CrossAttentionLayers, actual.CrossAttentionLayers);
        Assert.Equal(expected.Vision!.IntermediateLayers, actual.Vision!.IntermediateLayers);
        Assert.Equal(expected.StopIds, actual.StopIds);
        var (layers, stops) = (expected.CrossAttentionLayers, expected.StopIds);
        Assert.Equal(expected with { Vision = null, CrossAttentionLayers = layers, StopIds = stops }, actual with { Vision = null, CrossAttentionLayers = layers, StopIds = stops });
        Assert.Equal(expected.Vision with { IntermediateLayers = layers }, actual.Vision with { IntermediateLayers = layers });
    }
}
