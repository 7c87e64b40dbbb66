using Cria.Conversion;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;
using Cria.Tests.Models;

namespace Cria.Tests.Conversion;

/// <summary>Models written as GGUF and read again.</summary>
public sealed class GgufConversionTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };

    [Theory]
    [InlineData(true, true), InlineData(false, false)]
    public void AModelInItsOwnTypeHasTheLogitsItHad(bool tied, bool scaled)
    {
        using var source = TestModels.Write(new TestShape { Tied = tied, ScaledRope = scaled, WithTokenizer = true });
        var target = Quantize(source, "f32");
        var (want, got) = (Logits(source.Path), Logits(target));
        Assert.True(want.Zip(got, (a, b) => Math.Abs(a - b)).Max() < 1e-4);
        using var checkpoint = Checkpoint.Open(target);
        using var original = Checkpoint.Open(source.Path);
        Assert.Equal(original.ParameterCount, checkpoint.ParameterCount);
        Assert.Equal(tied, checkpoint.Config.TiedEmbeddings);
        Assert.Equal(original.Config.BosId, checkpoint.Config.BosId);
    }

    [Fact]
    public void AGgufWrittenAsGgufIsTheSameModel()
    {
        using var source = TestModels.Write(new TestShape { WithTokenizer = true });
        var first = Quantize(source, "f32");
        GgufConversion.Write(first, source.File("again.gguf"), QuantizationRecipe.Find("f32"), 1, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(source.File("again.gguf")));
    }

    [Fact]
    public void TheVocabularySurvives()
    {
        using var source = TestModels.Write(new TestShape { WithTokenizer = true });
        var (want, got) = (ModelTokenizer.Load(source.Path), ModelTokenizer.Load(Quantize(source, "f16")));
        foreach (var text in (string[])["hello world", "<|eot_id|> thin", "สวัสดี, Übermut\n\n  x", "helll owor wor"])
            foreach (var special in (bool[])[false, true])
                Assert.Equal(want.Encode(text, special), got.Encode(text, special));
        Assert.Equal(want.VocabularySize, got.VocabularySize);
    }

    /// <summary>Wide bounds: a random model makes an error several times larger (unrelated logits would be off by 1.4).</summary>
    [Theory]
    [InlineData("q8_0", 0.06), InlineData("q6_k", 0.15), InlineData("q4_0", 0.5), InlineData("q4_k_m", 0.4), InlineData("Q5_K_S", 0.3), InlineData("iq4_nl", 0.4)]
    public void QuantizedModelsStayNearTheirSource(string type, double tolerance)
    {
        using var source = TestModels.Write(new TestShape { Hidden = 256, HeadSize = 64, FeedForward = 512 });
        var target = Quantize(source, type);
        var (want, got) = (Logits(source.Path), Logits(target));
        var error = Math.Sqrt(want.Zip(got, (a, b) => (double)(a - b) * (a - b)).Sum() / want.Sum(v => (double)v * v));
        Assert.InRange(error, 1e-6, tolerance);
        Assert.True(new FileInfo(target).Length < 0.7 * new FileInfo(source.File("model.safetensors")).Length);
    }

    [Fact]
    public void RowsThatAreNoWholeBlocksGetAWiderType()
    {
        var recipe = QuantizationRecipe.Find("q4_k");
        Assert.Equal(ElementType.Q4_K, recipe.TypeOf(TensorRole.Query, 0, 4, 512, ElementType.BF16));
        Assert.Equal(ElementType.Q5_0, recipe.TypeOf(TensorRole.Query, 0, 4, 96, ElementType.BF16));
        Assert.Equal(ElementType.F16, recipe.TypeOf(TensorRole.Query, 0, 4, 80, ElementType.BF16));
    }

    [Fact]
    public void WhatCannotBeQuantizedIsAnErrorAndLeavesNothing()
    {
        Assert.Contains("q4_k_m", Assert.Throws<CriaException>(() => QuantizationRecipe.Find("q9")).Message);
        using var source = TestModels.Write(new TestShape { Layers = 1, Hidden = 64 });
        var weights = source.File("model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 64), float.NaN);
        File.WriteAllBytes(weights, bytes);
        Assert.Contains("model.safetensors", Assert.Throws<CriaException>(() => Quantize(source, "q8_0")).Message);
        Assert.False(File.Exists(source.File("q8_0.gguf")));
        Assert.Empty(Directory.GetFiles(source.Path, "*.part"));
    }

    [Fact]
    public void ACancelledConversionLeavesNothing()
    {
        using var source = TestModels.Write(new TestShape { Hidden = 64 });
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            GgufConversion.Write(source.Path, source.File("out.gguf"), QuantizationRecipe.Find("q8_0"), 2, _ => stop.Cancel(), stop.Token));
        Assert.Empty(Directory.GetFiles(source.Path, "*.gguf*"));
    }

    static string Quantize(TestModel source, string type)
    {
        var target = source.File(type + ".gguf");
        GgufConversion.Write(source.Path, target, QuantizationRecipe.Find(type), 2);
        return target;
    }

    static float[] Logits(string path)
    {
        using var model = TextModel.Load(path, Exact);
        using var sequence = model.CreateSequence();
        int[] ids = [5, 17, 3, 90, 41, 2, 77, 8, 60, 33];
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Step([.. ids.Select((id, i) => new Row(sequence, i, id, true))], logits);
        return logits;
    }
}
