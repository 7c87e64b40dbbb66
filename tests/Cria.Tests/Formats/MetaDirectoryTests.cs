using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;
using Cria.Tests.Models;
using Cria.Tokenization;

namespace Cria.Tests.Formats;

public sealed class MetaDirectoryTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Kv = KvType.F32, Threads = 1 };

    [Theory]
    [InlineData(1, false, false), InlineData(2, false, false), InlineData(2, true, true), InlineData(1, true, true), InlineData(1, false, true)]
    public void AModelHasTheSameLogitsAsInHuggingFacesForm(int shards, bool transposed, bool tied)
    {
        var shape = TestMetaModels.Shape with { Tied = tied };
        using var meta = TestMetaModels.Write(shape, shards, transposed);
        using var huggingFace = TestModels.Write(shape);
        Assert.Equal(Logits(huggingFace.Path), Logits(meta.Path));
        using var checkpoint = Checkpoint.Open(meta.Path);
        Assert.Equal(tied, checkpoint.Config.TiedEmbeddings);
    }

    [Theory]
    [InlineData(64, null, 256, 256)]
    [InlineData(2048, 1.5, 256, 8192)]
    [InlineData(3072, 1.0, 256, 8192)]
    [InlineData(4096, 1.3, 1024, 14336)]
    [InlineData(8192, 1.3, 4096, 28672)]
    [InlineData(64, 1.51, 32, 256)] // 288 without the cuts
    public void TheFeedForwardSizeIsCutAfterEachStep(int dim, double? multiplier, int multiple, int expected)
    {
        var json = TestMetaModels.Parameters(TestMetaModels.Shape);
        (json["dim"], json["ffn_dim_multiplier"], json["multiple_of"]) = (dim, multiplier, multiple);
        Assert.Equal(expected, Config(json, dim).FeedForwardSize);
    }

    [Theory]
    [InlineData(null, 64, 2, 8)]
    [InlineData(5.0, 64, 2, 5)]
    [InlineData(null, 2048, 16, 32)]
    [InlineData(null, 3072, 28, 32)]
    [InlineData(null, 3072, 16, 8)]
    [InlineData(16.0, 2048, 16, 16)]
    public void TheRopeFactorIsTheKeyOrThatOfTheShape(double? key, int dim, int layers, float expected)
    {
        var json = TestMetaModels.Parameters(TestMetaModels.Shape);
        (json["dim"], json["n_layers"], json["use_scaled_rope"], json["rope_scaling_factor"]) = (dim, layers, true, key);
        Assert.Equal(new RopeScaling(expected, 1, 4, 8192), Config(json, dim).RopeScaling);
        json["use_scaled_rope"] = false;
        Assert.Null(Config(json, dim).RopeScaling);
    }

    [Fact]
    public void MissingKeysHaveTheDefaultsOfTheReference()
    {
        var config = Config([], 4096);
        Assert.Equal((4096, 32, 32, 32, 11008, 96, 1e-5f, 500000f), (config.HiddenSize, config.LayerCount, config.HeadCount, config.KvHeadCount,
            config.FeedForwardSize, config.VocabularySize, config.NormEpsilon, config.RopeTheta));
        Assert.Null(config.RopeScaling);
        Assert.True(config.AdjacentPairs);
    }

    [Theory]
    [InlineData("n_heads", "0", "n_heads"), InlineData("n_heads", "7", "n_heads"), InlineData("n_kv_heads", "3", "n_kv_heads"), InlineData("multiple_of", "0", "multiple_of")]
    [InlineData("ffn_dim_multiplier", "1e300", "ffn_dim_multiplier"), InlineData("ffn_dim_multiplier", "-1", "ffn_dim_multiplier"), InlineData("dim", "\"64\"", "dim")]
    [InlineData("vocab_size", "95", "vocab_size"), InlineData("dim", "32", "dim"), InlineData("n_layers", "3", "layers.2"), InlineData("n_layers", "1", "layers.1")]
    [InlineData("vision_chunk_size", "448", "vision"), InlineData("norm_eps", "0", "norm_eps"), InlineData("use_scaled_rope", "1", "use_scaled_rope")]
    public void WrongParametersAreRefusedByName(string key, string value, string name) => Assert.Contains(name, Error(p => p[key] = JsonNode.Parse(value)));

    [Fact]
    public void AVocabularySizeOfMinusOneIsThatOfTheFile() => Assert.Equal(96, Config(TestMetaModels.Parameters(TestMetaModels.Shape with { Vocabulary = -1 }), 64).VocabularySize);

    [Fact]
    public void MissingFilesAreNamed()
    {
        using var model = TestMetaModels.Write(shards: 3);
        File.Delete(model.File("consolidated.01.pth"));
        Assert.Contains("consolidated.01.pth", Message(model));
        File.Delete(model.File("consolidated.02.pth"));
        Assert.Contains("shape", Message(model));
        File.Delete(model.File("consolidated.00.pth"));
        Assert.Contains("consolidated.00.pth", Message(model));
        File.Delete(model.File("params.json"));
        Assert.Contains("config.json", Message(model));
    }

    [Fact]
    public void AQuantizedModelInSeveralShardsIsRefused()
    {
        using var model = TestMetaModels.Write(shards: 2);
        var json = TestMetaModels.Parameters(TestMetaModels.Shape);
        (json["quantization_args"], json["lora_args"]) = (new JsonObject { ["group_size"] = 32 }, new JsonObject { ["rank"] = 2 });
        File.WriteAllText(model.File("params.json"), json.ToJsonString());
        Assert.Contains("2 shards", Message(model));
    }

    [Fact]
    public void TokensComeFromTheTokenizerAndSamplingFromTheReference()
    {
        using var model = TestMetaModels.Write(TestMetaModels.Shape with { Vocabulary = 256 + SpecialTokens.Count });
        WriteVocabulary(model, 256);
        using (var checkpoint = Checkpoint.Open(model.Path))
        {
            Assert.Equal(256, checkpoint.Config.BosId);
            Assert.Equal([257, 264, 265], checkpoint.Generation.StopIds);
            Assert.Equal((0.6f, 0.9f, 0), (checkpoint.Generation.Temperature, checkpoint.Generation.TopP, checkpoint.Generation.TopK));
        }
        WriteVocabulary(model, 257);
        Assert.Contains("vocab_size", Message(model));
    }

    [Fact]
    public void OfADirectoryWithBothFormsTheHuggingFaceFilesAreRead()
    {
        using var model = TestMetaModels.Write();
        using var other = TestModels.Write(TestMetaModels.Shape with { Vocabulary = 80 });
        File.Copy(other.File("config.json"), model.File("config.json"));
        using (var meta = Checkpoint.Open(model.Path))
            Assert.Equal(96, meta.Config.VocabularySize);
        File.Copy(other.File("model.safetensors"), model.File("model.safetensors"));
        using var checkpoint = Checkpoint.Open(model.Path);
        Assert.Equal(80, checkpoint.Config.VocabularySize);
    }

    static void WriteVocabulary(TestModel model, int tokens) => File.WriteAllText(model.File("tokenizer.model"),
        string.Concat(Enumerable.Range(0, tokens).Select(i => $"{Convert.ToBase64String(i < 256 ? [(byte)i] : "ab"u8)} {i}\n")));

    static string Message(TestModel model) => Assert.Throws<CriaException>(() => Checkpoint.Open(model.Path)).Message;

    static string Error(Action<JsonObject> change)
    {
        using var model = TestMetaModels.Write();
        var json = TestMetaModels.Parameters(TestMetaModels.Shape);
        change(json);
        File.WriteAllText(model.File("params.json"), json.ToJsonString());
        return Message(model);
    }

    static ModelConfig Config(JsonObject json, int dim)
    {
        using var model = new TestModel();
        File.WriteAllText(model.File("params.json"), json.ToJsonString());
        File.WriteAllBytes(model.File("x.pth"), TestPth.File([new("tok_embeddings.weight", ElementType.I8, [96, dim], "0")], new Dictionary<string, byte[]> { ["0"] = new byte[96 * dim] }));
        using var file = PthFile.Open(model.File("x.pth"));
        return MetaParams.Read(model.File("params.json"), [StridedView.Join([file.Tensors[0]], 0, [])], tied: true);
    }

    static float[] Logits(string path)
    {
        using var model = TextModel.Load(path, Exact);
        using var sequence = model.CreateSequence();
        var logits = new float[5 * model.Config.VocabularySize];
        model.Step([.. Enumerable.Range(0, 5).Select(i => new Row(sequence, i, 7 * i % 90, true))], logits);
        return logits;
    }
}
