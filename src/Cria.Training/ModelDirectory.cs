using System.Globalization;
using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Tensors;
using Cria.Training.Modules;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Cria.Training;

/// <summary>Hugging Face directories to and from modules: the form the engine loads.</summary>
static class ModelDirectory
{
    /// <summary>A module with the weights of a directory, widened to F32.</summary>
    /// <exception cref="CriaException">The directory is no such model.</exception>
    public static TextModule Load(string path, ScalarType compute = ScalarType.BFloat16)
    {
        using var checkpoint = Checkpoint.Open(path);
        var model = new TextModule(checkpoint.Config) { Compute = compute };
        using var _ = no_grad();
        foreach (var stored in checkpoint.Tensors)
            if (model.Weights.TryGetValue(stored.Name, out var weight))
                CopyTo(stored, weight);
        return model;
    }

    /// <summary>Writes a model: `config.json`, `generation_config.json`, `model.safetensors` in BF16 and the files of its tokenizer.</summary>
    public static void Save(string path, TextModule model, string tokenizerDirectory, JsonObject generation) => WholeDirectory.Write(path, aside =>
    {
        WriteJson(Path.Combine(aside, "config.json"), Config(model.Config));
        WriteJson(Path.Combine(aside, "generation_config.json"), generation);
        SafetensorsWriter.Write(Path.Combine(aside, "model.safetensors"), model.Weights
            .Select(w => (w.Key, ElementType.BF16, w.Value.shape, (ReadOnlyMemory<byte>)Bytes(w.Value, ElementType.BF16))));
        foreach (var name in (string[])["tokenizer.json", "tokenizer.model", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json"])
            if (File.Exists(Path.Combine(tokenizerDirectory, name)))
                File.Copy(Path.Combine(tokenizerDirectory, name), Path.Combine(aside, name));
    });

    static void WriteJson(string path, JsonObject json) => File.WriteAllText(path, json.ToJsonString(new() { WriteIndented = true, NewLine = "\n" }) + "\n");

    /// <summary>A tensor's elements as little-endian F32 or BF16, rounded to even.</summary>
    public static byte[] Bytes(Tensor value, ElementType type)
    {
        using var typed = value.detach().to(type == ElementType.F32 ? ScalarType.Float32 : ScalarType.BFloat16).contiguous();
        return typed.bytes.ToArray();
    }

    /// <summary>Copies a stored F32, F16 or BF16 tensor over an F32 one of the same shape.</summary>
    /// <exception cref="CriaException">The shapes differ.</exception>
    public static void CopyTo(Tensors.Tensor stored, Tensor target)
    {
        if (!stored.Shape.SequenceEqual(target.shape))
            throw new CriaException($"{stored.File}: {stored.Name} has shape {stored.ShapeText} where [{string.Join(", ", target.shape)}] is due");
        var values = new float[stored.Count];
        stored.CopyTo(values);
        using var source = tensor(values, target.shape);
        target.copy_(source);
    }

    static JsonObject Config(ModelConfig c) => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["attention_bias"] = false,
        ["attention_dropout"] = 0.0,
        ["bos_token_id"] = c.BosId,
        ["eos_token_id"] = new JsonArray([.. c.StopIds.Select(i => JsonValue.Create(i))]),
        ["head_dim"] = c.HeadSize,
        ["hidden_act"] = "silu",
        ["hidden_size"] = c.HiddenSize,
        ["initializer_range"] = 0.02,
        ["intermediate_size"] = c.FeedForwardSize,
        ["max_position_embeddings"] = c.MaxPositions,
        ["mlp_bias"] = false,
        ["model_type"] = "llama",
        ["num_attention_heads"] = c.HeadCount,
        ["num_hidden_layers"] = c.LayerCount,
        ["num_key_value_heads"] = c.KvHeadCount,
        ["rms_norm_eps"] = Exact(c.NormEpsilon),
        ["rope_scaling"] = c.RopeScaling is not { } scaling ? null : new JsonObject
        {
            ["factor"] = Exact(scaling.Factor),
            ["high_freq_factor"] = Exact(scaling.HighFrequencyFactor),
            ["low_freq_factor"] = Exact(scaling.LowFrequencyFactor),
            ["original_max_position_embeddings"] = scaling.OriginalMaxPositions,
            ["rope_type"] = "llama3",
        },
        ["rope_theta"] = Exact(c.RopeTheta),
        ["tie_word_embeddings"] = c.TiedEmbeddings,
        ["torch_dtype"] = "bfloat16",
        ["vocab_size"] = c.VocabularySize,
    };

    /// <summary>A float by its shortest decimal, as a double.</summary>
    static double Exact(float value) => double.Parse(value.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
