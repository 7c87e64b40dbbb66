using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace Cria.Benchmarks;

/// <summary>
/// A model directory of the shape of Llama 3.2 1B with weights that are all zero: a sparse file of 2.47 GB that costs no disk but is
/// read through the page cache like any other. Speed does not depend on the values. Gone with Dispose.
/// </summary>
sealed class SyntheticModel : IDisposable
{
    const int Hidden = 2048, FeedForward = 8192, Heads = 32, KvHeads = 8, HeadSize = 64, Vocabulary = 128256;

    public SyntheticModel(int layers)
    {
        Path = Directory.CreateTempSubdirectory("cria-benchmark-").FullName;
        File.WriteAllText(System.IO.Path.Combine(Path, "config.json"), new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["hidden_act"] = "silu",
            ["hidden_size"] = Hidden,
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = Heads,
            ["num_key_value_heads"] = KvHeads,
            ["head_dim"] = HeadSize,
            ["intermediate_size"] = FeedForward,
            ["vocab_size"] = Vocabulary,
            ["max_position_embeddings"] = 131072,
            ["rms_norm_eps"] = 1e-5,
            ["rope_theta"] = 500000.0,
            ["rope_scaling"] = new JsonObject
            {
                ["rope_type"] = "llama3",
                ["factor"] = 32.0,
                ["low_freq_factor"] = 1.0,
                ["high_freq_factor"] = 4.0,
                ["original_max_position_embeddings"] = 8192,
            },
            ["tie_word_embeddings"] = true,
            ["torch_dtype"] = "bfloat16",
        }.ToJsonString());

        var header = new JsonObject();
        Add(header, "model.embed_tokens.weight", Vocabulary, Hidden);
        for (var layer = 0; layer < layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            Add(header, prefix + "self_attn.q_proj.weight", Heads * HeadSize, Hidden);
            Add(header, prefix + "self_attn.k_proj.weight", KvHeads * HeadSize, Hidden);
            Add(header, prefix + "self_attn.v_proj.weight", KvHeads * HeadSize, Hidden);
            Add(header, prefix + "self_attn.o_proj.weight", Hidden, Heads * HeadSize);
            Add(header, prefix + "mlp.gate_proj.weight", FeedForward, Hidden);
            Add(header, prefix + "mlp.up_proj.weight", FeedForward, Hidden);
            Add(header, prefix + "mlp.down_proj.weight", Hidden, FeedForward);
            Add(header, prefix + "input_layernorm.weight", Hidden);
            Add(header, prefix + "post_attention_layernorm.weight", Hidden);
        }
        Add(header, "model.norm.weight", Hidden);
        var json = System.Text.Encoding.UTF8.GetBytes(header.ToJsonString());
        using var file = File.Create(System.IO.Path.Combine(Path, "model.safetensors"));
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, (json.Length + 63) / 64 * 64 - 8 + 64);
        file.Write(length);
        file.Write(json);
        for (var i = json.Length; i < BinaryPrimitives.ReadInt64LittleEndian(length); i++)
            file.WriteByte((byte)' ');
        file.SetLength(file.Position + WeightBytes + NormBytes); // zeros, without blocks on the disk
    }

    public string Path { get; }

    /// <summary>Bytes of all matrices: what one decoded token reads.</summary>
    public long WeightBytes { get; private set; }

    /// <summary>Multiplications and additions of one token in the blocks, without attention and the output matrix.</summary>
    public double BlockFlops => (WeightBytes / 2.0 - (double)Vocabulary * Hidden) * 2;

    long NormBytes { get; set; }

    void Add(JsonObject header, string name, params int[] shape)
    {
        var bytes = shape.Aggregate(2L, (a, b) => a * b);
        var start = WeightBytes + NormBytes;
        header[name] = new JsonObject
        {
            ["dtype"] = "BF16",
            ["shape"] = new JsonArray([.. shape.Select(d => (JsonNode)d)]),
            ["data_offsets"] = new JsonArray(start, start + bytes),
        };
        if (shape.Length > 1)
            WeightBytes += bytes;
        else
            NormBytes += bytes;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
