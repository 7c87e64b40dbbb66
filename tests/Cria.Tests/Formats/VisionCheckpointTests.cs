using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Tests.Formats;

/// <summary>Vision models in every format, ../shared/golden/vision/models; sizes and counts of spec llama32-vision 1.</summary>
public sealed class VisionCheckpointTests
{
    [Fact]
    public void EveryModelHasTheRecordedSizes()
    {
        var sizes = JsonNode.Parse(File.ReadAllText(TestFiles.Golden("vision", "models", "models.json")))!;
        var paths = Directory.GetDirectories(TestFiles.Golden("vision", "models"));
        Assert.NotEmpty(paths);
        foreach (var path in paths)
        {
            using var checkpoint = Checkpoint.Open(ModelLocator.Resolve(path));
            var (c, v) = (checkpoint.Config, checkpoint.Config.Vision!);
            var due = sizes[Path.GetFileName(path)[..1]]!;
            int Due(string key) => (int)due[key]!;
            Assert.Equal((Due("vocab"), Due("dim"), Due("heads"), Due("kv"), Due("self") + Due("cross"), Due("ffn")),
                (c.VocabularySize, c.HiddenSize, c.HeadCount, c.KvHeadCount, c.LayerCount, c.FeedForwardSize));
            Assert.Equal((Due("tile"), Due("v_width"), Due("v_heads"), Due("v_mlp"), Due("v_local"), Due("v_global"), 4, 14),
                (v.TileSize, v.Width, v.HeadCount, v.FeedForwardSize, v.LocalLayerCount, v.GlobalLayerCount, v.MaxTiles, v.PatchSize));
            Assert.Equal(due["cross_attention_layers"]!.AsArray().Select(n => (int)n!), c.CrossAttentionLayers);
            Assert.Equal(due["inter"]!.AsArray().Select(n => (int)n!), v.IntermediateLayers);
            Assert.Equal(c.VocabularySize, c.ImageTokenId);
        }
    }

    [Theory]
    [InlineData("a-hf-bf16", "a-hf-bf16-newnames"), InlineData("a-hf-bf16", "a-gguf/model.gguf")]
    [InlineData("b-hf-bf16", "b-meta-bf16"), InlineData("b-hf-bf16", "b-meta-bf16-2shards")]
    public void EveryFormatHoldsTheSameWeights(string first, string second) =>
        AssertSameWeights(TestFiles.Golden("vision", "models", first), TestFiles.Golden("vision", "models", second), isOllamas: second.EndsWith(".gguf", StringComparison.Ordinal));

    /// <param name="first">A model whose queries and keys stand as in Hugging Face's files.</param>
    /// <param name="second">The other model.</param>
    /// <param name="isOllamas">Whether it is written by Ollama's converter, which reorders queries and keys of the encoder too, where nothing depends on the order.</param>
    internal static void AssertSameWeights(string first, string second, bool isOllamas = false)
    {
        using var one = Checkpoint.Open(first);
        using var other = Checkpoint.Open(second);
        foreach (var (role, layer) in TensorRoles.All(one.Config))
        {
            var headSize = role is TensorRole.Query or TensorRole.Key ? one.Config.HeadSize : one.Config.Vision!.Width / one.Config.Vision.HeadCount;
            var isReordered = (role is TensorRole.Query or TensorRole.Key && other.Config.AdjacentPairs) || (role is TensorRole.VisionQuery or TensorRole.VisionKey && isOllamas);
            var (expected, actual) = (one.Get(role, layer), other.Get(role, layer));
            Assert.Equal(expected.Shape, actual.Shape);
            for (var row = 0L; row < expected.Shape[0]; row++)
            {
                var (a, b) = (Row(expected, isReordered ? HeadRows.InHalves(row, headSize) : row), Row(actual, row));
                Assert.True(role.ToString().EndsWith("Gate", StringComparison.Ordinal) && role != TensorRole.Gate ? Math.Abs(a[0] - b[0]) < 1e-5 : a.SequenceEqual(b), $"{role} {layer} row {row}");
            }
        }
    }

    [Theory]
    [InlineData(4096, 40, 32, 14336, 560, 10_670_220_835), InlineData(4096, 40, 32, 14336, 448, 10_642_941_475), InlineData(8192, 100, 64, 28672, 560, 88_593_355_323)]
    public void ThePublishedShapesHaveTheirParameters(int width, int layers, int heads, int feedForward, int tile, long parameters)
    {
        var config = Published(width, layers, heads, feedForward, tile);
        Assert.Equal(parameters, TensorRoles.All(config).Sum(r => TensorRoles.Shape(r.Role, config).Aggregate(1L, (a, b) => a * b)));
        Assert.Equal([(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (3, 1), (4, 1)], config.Vision!.AspectRatios);
    }

    /// <summary>A published model: what all have in common are the defaults of `config.json`.</summary>
    internal static ModelConfig Published(int width, int layers, int heads, int feedForward, int tile)
    {
        using var model = new TestModel();
        var crossLayers = new JsonArray([.. Enumerable.Range(0, layers / 5).Select(j => (JsonNode)(5 * j + 3))]);
        File.WriteAllText(model.File("config.json"), new JsonObject
        {
            ["model_type"] = "mllama",
            ["text_config"] = new JsonObject { ["hidden_size"] = width, ["num_hidden_layers"] = layers, ["num_attention_heads"] = heads, ["intermediate_size"] = feedForward, ["cross_attention_layers"] = crossLayers },
            ["vision_config"] = new JsonObject { ["image_size"] = tile },
        }.ToJsonString());
        return ModelConfig.Read(model.File("config.json"));
    }

    [Theory]
    [InlineData("text_config", "cross_attention_layers", "[4, 1]"), InlineData("text_config", "cross_attention_layers", "[6]"), InlineData("text_config", "cross_attention_layers", "[]")]
    [InlineData("text_config", "hidden_act", "\"gelu\""), InlineData("vision_config", "hidden_act", "\"silu\""), InlineData("vision_config", "attention_heads", "3")]
    [InlineData("vision_config", "image_size", "57"), InlineData("vision_config", "intermediate_layers_indices", "[0, 4]"), InlineData("vision_config", "vision_output_dim", "96")]
    [InlineData("vision_config", "supported_aspect_ratios", "[[1, 1]]"), InlineData("vision_config", "supported_aspect_ratios", "[1]"), InlineData("vision_config", "num_channels", "1")]
    [InlineData("vision_config", "max_num_tiles", "1000"), InlineData("", "image_token_index", "5"), InlineData("", "vision_config", "null"), InlineData("", "text_config", "[]")]
    public void AWrongFieldIsNamed(string section, string key, string value)
    {
        using var model = new TestModel();
        var config = JsonNode.Parse(File.ReadAllText(TestFiles.Golden("vision", "models", "a-hf-f32", "config.json")))!;
        (section == "" ? config : config[section]!)[key] = JsonNode.Parse(value);
        File.WriteAllText(model.File("config.json"), config.ToJsonString());
        var message = Assert.Throws<CriaException>(() => ModelConfig.Read(model.File("config.json"))).Message;
        Assert.StartsWith($"{model.File("config.json")}: {(section == "" ? "" : section + ".")}{key} ", message);
    }

    [Fact]
    public void MissingKeysAreThoseOfTheSmallBaseModel()
    {
        using var model = new TestModel();
        File.WriteAllText(model.File("config.json"), """{ "model_type": "mllama", "text_config": {}, "vision_config": {} }""");
        var config = ModelConfig.Read(model.File("config.json"));
        Assert.Equal((4096, 40, 8, 128, 14336, 128256, 500000f), (config.HiddenSize, config.LayerCount, config.KvHeadCount, config.HeadSize, config.FeedForwardSize, config.VocabularySize, config.RopeTheta));
        Assert.Equal([3, 8, 13, 18, 23, 28, 33, 38], config.CrossAttentionLayers);
        Assert.Equal((448, 1025, 7680, 40), (config.Vision!.TileSize, config.Vision.TileTokens, config.Vision.FeatureSize, config.Vision.LayerCount));
    }

    [Fact]
    public void AnEncoderThatIsMissingIsNamed()
    {
        using var model = new TestModel();
        File.Copy(TestFiles.Golden("vision", "models", "p-gguf-pair", "model.gguf"), model.File("model.gguf"));
        Assert.Contains("projector.gguf", Assert.Throws<CriaException>(() => Checkpoint.Open(model.File("model.gguf"))).Message);
    }

    static unsafe float[] Row(Tensor tensor, long row)
    {
        var columns = tensor.Count / tensor.Shape[0];
        var values = new float[columns];
        BlockFormats.Dequantize(tensor.Type, new ReadOnlySpan<byte>(tensor.Data + tensor.Type.Bytes(row * columns), (int)tensor.Type.Bytes(columns)), values);
        return values;
    }
}
