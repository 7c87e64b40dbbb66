namespace Cria.Formats;

/// <summary>`config.json` in the variants of transformers 4 and 5 (spec section 1); defaults for missing keys are that library's.</summary>
static class HuggingFaceConfig
{
    public static ModelConfig Read(string path) => JsonFile.Read(path, Read);

    static ModelConfig Read(JsonSection json)
    {
        CheckArchitecture(json);
        var hidden = Required(json, "hidden_size", ModelLimits.Width);
        var heads = Required(json, "num_attention_heads", ModelLimits.Heads);
        var kvHeads = json.Integer("num_key_value_heads", 1, ModelLimits.Heads) ?? heads;
        if (heads % kvHeads != 0)
            throw json.Error("num_attention_heads", $"is {heads}, no multiple of num_key_value_heads {kvHeads}");
        if (!json.Has("head_dim") && hidden % heads != 0)
            throw json.Error("hidden_size", $"is {hidden}, no multiple of num_attention_heads {heads}, and head_dim is missing");
        var headSize = json.Integer("head_dim", 1, ModelLimits.HeadSize) ?? hidden / heads;
        if (headSize % 2 != 0)
            throw json.Error("head_dim", $"is {headSize}, RoPE needs an even one");
        var vocabulary = Required(json, "vocab_size", ModelLimits.Vocabulary);
        var (theta, scaling) = Rope(json);
        return new ModelConfig
        {
            HiddenSize = hidden,
            LayerCount = Required(json, "num_hidden_layers", ModelLimits.Layers),
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadSize = headSize,
            FeedForwardSize = Required(json, "intermediate_size", ModelLimits.FeedForward),
            VocabularySize = vocabulary,
            MaxPositions = json.Integer("max_position_embeddings", 1, int.MaxValue) ?? 2048,
            NormEpsilon = json.Number("rms_norm_eps", 0) ?? 1e-6f,
            RopeTheta = theta,
            RopeScaling = scaling,
            TiedEmbeddings = json.Flag("tie_word_embeddings") ?? false,
            BosId = json.Integer("bos_token_id", 0, vocabulary - 1),
            StopIds = json.Integers("eos_token_id", 0, vocabulary - 1),
        };
    }

    static int Required(JsonSection json, string key, int max) => json.Integer(key, 1, max) ?? throw json.Error(key, "is missing");

    static void CheckArchitecture(JsonSection json)
    {
        const string Class = "LlamaForCausalLM", Type = "llama";
        var type = json.Text("model_type");
        var classes = json.Texts("architectures");
        if (type is null && classes is null)
            throw json.Error("model_type", "and architectures are missing");
        if (type is not (null or Type))
            throw json.Error("model_type", $"is {OneLine.Quote(type)}, only \"{Type}\" is supported");
        if (classes is not null && !classes.Contains(Class))
            throw json.Error("architectures", $"does not name {Class}");
        if (json.Text("hidden_act") is { } activation and not "silu")
            throw json.Error("hidden_act", $"is {OneLine.Quote(activation)}, only \"silu\" is supported");
        foreach (var bias in (string[])["attention_bias", "mlp_bias"])
            if (json.Flag(bias) == true)
                throw json.Error(bias, "is true, Llama 3 has no biases");
        if (json.Has("quantization_config"))
            throw json.Error("quantization_config", "is given, only F32, F16 and BF16 weights are supported");
    }

    /// <summary>transformers 5 puts everything about RoPE under `rope_parameters`; 4 has `rope_theta` and `rope_scaling`, whose `rope_type` was once `type`.</summary>
    static (float Theta, RopeScaling? Scaling) Rope(JsonSection json)
    {
        var theta = json.Number("rope_theta", 0);
        var isNew = json.Has("rope_parameters");
        if ((isNew ? json.Section("rope_parameters") : json.Section("rope_scaling")) is not { } rope)
            return (theta ?? 10000, null);
        theta = rope.Number("rope_theta", 0) ?? theta ?? 10000;
        switch (rope.Text("rope_type") ?? rope.Text("type"))
        {
            case "llama3":
                return (theta.Value, Scaling(rope));
            case "default":
            case null when isNew:
                return (theta.Value, null);
            case null:
                throw rope.Error("rope_type", "is missing");
            case var other:
                throw rope.Error("rope_type", $"is {OneLine.Quote(other)}, only \"llama3\" and \"default\" are supported");
        }
    }

    static RopeScaling Scaling(JsonSection rope)
    {
        float Positive(string key) => rope.Number(key, 0) ?? throw rope.Error(key, "is missing");
        var scaling = new RopeScaling(Positive("factor"), Positive("low_freq_factor"), Positive("high_freq_factor"),
            Required(rope, "original_max_position_embeddings", int.MaxValue));
        return scaling.HighFrequencyFactor > scaling.LowFrequencyFactor ? scaling
            : throw rope.Error("high_freq_factor", $"is {scaling.HighFrequencyFactor}, not greater than low_freq_factor {scaling.LowFrequencyFactor}");
    }
}
