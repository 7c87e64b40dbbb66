using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Tensors;
using Cria.Tokenization;

namespace Cria.Tests;

/// <summary>The shape of a tiny random Llama; the defaults are odd on purpose (GQA, H·d is not D).</summary>
sealed record TestShape
{
    public int Hidden { get; init; } = 48;
    public int Layers { get; init; } = 2;
    public int Heads { get; init; } = 4;
    public int KvHeads { get; init; } = 2;
    public int HeadSize { get; init; } = 16;
    public int FeedForward { get; init; } = 80;
    public int Vocabulary { get; init; } = 96;
    public int MaxPositions { get; init; } = 4096;
    public ElementType Type { get; init; } = ElementType.F32;
    public bool Tied { get; init; } = true;
    public bool ScaledRope { get; init; } = true;
    public int Seed { get; init; } = 1;

    /// <summary>Blocks with cross-attention among the layers; with some it is a vision model.</summary>
    public int[] CrossLayers { get; init; } = [];

    public VisionConfig? Vision => CrossLayers.Length == 0 ? null : Encoder;

    /// <summary>The encoder of a vision model: tiles of 3 x 3 patches, so 10 tokens and 6 behind them.</summary>
    public VisionConfig Encoder { get; init; } = new()
    {
        Width = 24,
        LocalLayerCount = 3,
        GlobalLayerCount = 2,
        HeadCount = 2,
        FeedForwardSize = 40,
        NormEpsilon = 1e-5f,
        TileSize = 12,
        PatchSize = 4,
        MaxTiles = 4,
        IntermediateLayers = [0, 2],
    };

    /// <summary>More than one writes that many shards and an index; the tensors go to them in turn.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>Adds tokenizer.json: 256 bytes, some merges, 256 control tokens. The vocabulary then has that size, whatever is said above.</summary>
    public bool WithTokenizer { get; init; }
}

/// <summary>A temporary model directory, in a folder of its own choice or in <paramref name="root"/>; gone with Dispose.</summary>
sealed class TestModel(string? root = null) : IDisposable
{
    public string Path { get; } = root is null ? Directory.CreateTempSubdirectory("cria-test-").FullName
        : Directory.CreateDirectory(System.IO.Path.Combine(root, $"cria-test-{Guid.NewGuid():N}")).FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Writes tiny random Llama models as Hugging Face directories.</summary>
static class TestModels
{
    /// <summary>The words of the small tokenizer's merges, in order of rank.</summary>
    static readonly string[] Merged = ["he", "in", "er", "th", "or", "ll", "hell", "hello", " w", " wor"];

    public const int TokenizerSize = 256 + 10 + 256;

    public static TestModel Write(TestShape? shape = null)
    {
        shape ??= new TestShape();
        if (shape.WithTokenizer)
            shape = shape with { Vocabulary = TokenizerSize };
        var model = new TestModel();
        File.WriteAllText(model.File("config.json"), Config(shape).ToJsonString());
        if (shape.Shards == 1)
            SafetensorsWriter.Write(model.File("model.safetensors"), Weights(shape));
        else
            WriteShards(model, shape);
        if (shape.WithTokenizer)
            File.WriteAllText(model.File("tokenizer.json"), TokenizerJson().ToJsonString());
        return model;
    }

    /// <summary>The config.json of a shape, to change and write again.</summary>
    public static JsonObject Config(TestShape s)
    {
        var text = TextConfig(s);
        if (s.Vision is not { } v)
            return text;
        text.Remove("architectures");
        text["model_type"] = "mllama_text_model";
        text["cross_attention_layers"] = new JsonArray([.. s.CrossLayers.Select(layer => (JsonNode)layer)]);
        return new()
        {
            ["architectures"] = new JsonArray("MllamaForConditionalGeneration"),
            ["model_type"] = "mllama",
            ["image_token_index"] = s.Vocabulary,
            ["text_config"] = text,
            ["vision_config"] = new JsonObject
            {
                ["hidden_size"] = v.Width,
                ["num_hidden_layers"] = v.LocalLayerCount,
                ["num_global_layers"] = v.GlobalLayerCount,
                ["attention_heads"] = v.HeadCount,
                ["intermediate_size"] = v.FeedForwardSize,
                ["image_size"] = v.TileSize,
                ["patch_size"] = v.PatchSize,
                ["max_num_tiles"] = v.MaxTiles,
                ["intermediate_layers_indices"] = new JsonArray([.. v.IntermediateLayers.Select(layer => (JsonNode)layer)]),
            },
        };
    }

    static JsonObject TextConfig(TestShape s) => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["hidden_act"] = "silu",
        ["hidden_size"] = s.Hidden,
        ["num_hidden_layers"] = s.Layers,
        ["num_attention_heads"] = s.Heads,
        ["num_key_value_heads"] = s.KvHeads,
        ["head_dim"] = s.HeadSize,
        ["intermediate_size"] = s.FeedForward,
        ["vocab_size"] = s.Vocabulary,
        ["max_position_embeddings"] = s.MaxPositions,
        ["rms_norm_eps"] = 1e-5,
        ["rope_theta"] = 500000.0,
        ["rope_scaling"] = !s.ScaledRope ? null : new JsonObject
        {
            ["rope_type"] = "llama3",
            ["factor"] = 32.0,
            ["low_freq_factor"] = 1.0,
            ["high_freq_factor"] = 4.0,
            ["original_max_position_embeddings"] = 64,
        },
        ["tie_word_embeddings"] = s.Tied,
        ["bos_token_id"] = s.WithTokenizer ? 266 : 0,
        ["eos_token_id"] = s.WithTokenizer ? new JsonArray(267, 274, 275) : s.Vocabulary - 1,
        ["torch_dtype"] = s.Type switch { ElementType.BF16 => "bfloat16", ElementType.F16 => "float16", _ => "float32" },
    };

    /// <summary>Random weights that keep activations and logits near one.</summary>
    public static List<(string Name, ElementType Type, long[] Shape, ReadOnlyMemory<byte> Data)> Weights(TestShape s)
    {
        var random = new Random(s.Seed);
        var config = new ModelConfig
        {
            HiddenSize = s.Hidden,
            LayerCount = s.Layers,
            HeadCount = s.Heads,
            KvHeadCount = s.KvHeads,
            HeadSize = s.HeadSize,
            FeedForwardSize = s.FeedForward,
            VocabularySize = s.Vocabulary,
            MaxPositions = s.MaxPositions,
            NormEpsilon = 1e-5f,
            RopeTheta = 500000,
            TiedEmbeddings = s.Tied,
            CrossAttentionLayers = s.CrossLayers,
            Vision = s.Vision,
        };
        var names = TensorNames.HuggingFaceOf(config);
        return [.. TensorRoles.All(config).Where(r => r.Role != TensorRole.ImageEmbedding).Select(r =>
        {
            var shape = TensorRoles.Shape(r.Role, config);
            if (r.Role == TensorRole.Embedding && s.Vision is not null)
                shape[0] += ModelConfig.ImageRows;
            var (mean, scale) = shape.Length == 1 ? (1.0, 0.1) : (0.0, r.Role is TensorRole.Embedding or > TensorRole.VisionPatch and < TensorRole.VisionAttentionNorm ? 0.5 : 1.5 / Math.Sqrt(shape[1]));
            var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
            for (var i = 0; i < values.Length; i++)
                values[i] = (float)(mean + scale * Normal(random));
            return (names.Of(r.Role, r.Layer), s.Type, shape, (ReadOnlyMemory<byte>)Bytes(values, s.Type));
        })];
    }

    static void WriteShards(TestModel model, TestShape shape)
    {
        var map = new JsonObject();
        string Shard(int i) => $"model-{i + 1:D5}-of-{shape.Shards:D5}.safetensors";
        foreach (var shard in Weights(shape).Select((tensor, i) => (tensor, i)).GroupBy(t => t.i % shape.Shards, t => t.tensor))
        {
            SafetensorsWriter.Write(model.File(Shard(shard.Key)), shard);
            foreach (var (name, _, _, _) in shard)
                map[name] = Shard(shard.Key);
        }
        File.WriteAllText(model.File("model.safetensors.index.json"),
            new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = 1 }, ["weight_map"] = map }.ToJsonString());
    }

    /// <summary>Values rounded to a type, little-endian.</summary>
    public static byte[] Bytes(float[] values, ElementType type) => type switch
    {
        ElementType.F32 => MemoryMarshal.AsBytes<float>(values).ToArray(),
        ElementType.F16 => MemoryMarshal.AsBytes<Half>(Array.ConvertAll(values, v => (Half)v)).ToArray(),
        ElementType.BF16 => MemoryMarshal.AsBytes<ushort>(Array.ConvertAll(values, ToBFloat16)).ToArray(),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>tokenizer.json as the Hugging Face library writes it, with ids 0-255 bytes, 256-265 merges, 266-521 control tokens.</summary>
    public static JsonObject TokenizerJson()
    {
        var vocabulary = new JsonObject();
        foreach (var b in ByteAlphabet.Order)
            vocabulary[ByteAlphabet.ToChar(b).ToString()] = vocabulary.Count;
        var merges = new JsonArray();
        foreach (var word in Merged)
        {
            var text = string.Concat(Encoding.UTF8.GetBytes(word).Select(ByteAlphabet.ToChar));
            var split = Enumerable.Range(1, text.Length - 1).First(i => vocabulary.ContainsKey(text[..i]) && vocabulary.ContainsKey(text[i..]));
            merges.Add($"{text[..split]} {text[split..]}");
            vocabulary[text] = vocabulary.Count;
        }
        var added = new JsonArray([.. SpecialTokens.HuggingFace.Select((name, i) => (JsonNode)new JsonObject
        {
            ["id"] = vocabulary.Count + i,
            ["content"] = name,
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = false,
            ["normalized"] = false,
            ["special"] = true,
        })]);
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = added,
            ["model"] = new JsonObject { ["type"] = "BPE", ["ignore_merges"] = true, ["vocab"] = vocabulary, ["merges"] = merges },
        };
    }

    static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    internal static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
