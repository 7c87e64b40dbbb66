using Cria.Conversion;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;
using Cria.Tests.Models;

namespace Cria.Tests.Conversion;

/// <summary>Models written as Hugging Face directories and read again.</summary>
public sealed class HuggingFaceConversionTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };

    [Theory]
    [InlineData(ElementType.F32, true, true), InlineData(ElementType.BF16, false, true), InlineData(ElementType.F16, false, false)]
    public void ThereAndBackEveryTensorHasTheBitsItHad(ElementType type, bool tied, bool scaled)
    {
        using var source = TestModels.Write(new TestShape { Type = type, Tied = tied, ScaledRope = scaled, HeadSize = 32, WithTokenizer = true });
        GgufConversion.Write(source.Path, source.File("model.gguf"), null, 2, null, TestContext.Current.CancellationToken);
        var back = Write(source.File("model.gguf"), source.File("back"), null);
        using (var first = SafetensorsFile.Open(source.File("model.safetensors")))
        using (var second = SafetensorsFile.Open(Path.Combine(back, "model.safetensors")))
        {
            Assert.Equal(first.Tensors.Select(t => t.ToString()).Order(), second.Tensors.Select(t => t.ToString()).Order());
            Assert.All(first.Tensors, t => Assert.True(Bytes(t).SequenceEqual(Bytes(second.Find(t.Name)!)), t.Name));
        }
        Assert.Equal(Logits(source.Path), Logits(back));
        Assert.Equal(ModelConfig.Read(source.File("config.json")) with { StopIds = [] }, ModelConfig.Read(Path.Combine(back, "config.json")) with { StopIds = [] });
        foreach (var text in (string[])["hello world", "<|eot_id|> thin", "Übermut\n\n  x"])
            Assert.Equal(ModelTokenizer.Load(source.Path).Encode(text, true), ModelTokenizer.Load(back).Encode(text, true));
    }

    [Fact]
    public void AMetaDirectoryBecomesTheSameModel()
    {
        using var source = TestMetaModels.Write();
        using var same = TestModels.Write(TestMetaModels.Shape);
        var target = Write(source.Path, source.File("hf"), null);
        Assert.Equal(Logits(same.Path), Logits(target));
    }

    [Fact]
    public void BlocksBecomeTheTypeAskedFor()
    {
        using var source = TestModels.Write(new TestShape { Hidden = 64 });
        GgufConversion.Write(source.Path, source.File("q8.gguf"), QuantizationRecipe.Find("q8_0"), 2, null, TestContext.Current.CancellationToken);
        foreach (var (type, due) in (IEnumerable<(ElementType?, ElementType)>)[(null, ElementType.BF16), (ElementType.F32, ElementType.F32)])
        {
            using var checkpoint = Checkpoint.Open(Write(source.File("q8.gguf"), source.File($"{due}"), type));
            Assert.All(checkpoint.Tensors, t => Assert.Equal(due, t.Type));
        }
        GgufConversion.Write(source.File("q8.gguf"), source.File("kept.gguf"), null, 2, null, TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(source.File("q8.gguf")), File.ReadAllBytes(source.File("kept.gguf")));
    }

    [Fact]
    public void ManyWeightsAreSharded()
    {
        const int ShardBytes = 20_000; // the embedding has 18,432
        using var source = TestModels.Write();
        using var target = new TestModel();
        File.Copy(source.File("config.json"), target.File("config.json"));
        NewDirectory.WriteWeights(target.Path, TestModels.Weights(new()).Select(t => new WrittenTensor(t.Name, t.Type, t.Shape, stream => stream.Write(t.Data.Span))), ShardBytes);
        var shards = Directory.GetFiles(target.Path, "model-*.safetensors").Order(StringComparer.Ordinal).ToList();
        Assert.Equal($"model-00001-of-{shards.Count:D5}.safetensors", Path.GetFileName(shards[0]));
        Assert.All(shards, shard =>
        {
            using var file = SafetensorsFile.Open(shard);
            Assert.InRange(file.Tensors.Sum(t => t.ByteLength), 1, ShardBytes);
        });
        Assert.InRange(shards.Count, 3, 12);
        Assert.Equal(Logits(source.Path), Logits(target.Path));
    }

    [Fact]
    public void ACancelledConversionAndAnExistingTargetLeaveEverythingAsItWas()
    {
        using var source = TestModels.Write(new TestShape { Hidden = 64 });
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => HuggingFaceConversion.Write(source.Path, source.File("hf"), null, 2, _ => stop.Cancel(), stop.Token));
        Assert.Empty(Directory.GetDirectories(source.Path));
        Directory.CreateDirectory(source.File("hf"));
        Assert.Contains("exists already", Assert.Throws<CriaException>(() => Write(source.Path, source.File("hf"), null)).Message);
        Assert.Empty(Directory.GetFileSystemEntries(source.File("hf")));
    }

    static string Write(string source, string target, ElementType? type)
    {
        HuggingFaceConversion.Write(source, target, type, 2, null, TestContext.Current.CancellationToken);
        return target;
    }

    static unsafe ReadOnlySpan<byte> Bytes(Tensor tensor) => new(tensor.Data, (int)tensor.ByteLength);

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
