namespace Cria.Formats;

/// <summary>`config.json` in the variants of transformers 4 and 5 (spec section 1); defaults for missing keys are that library's.</summary>
static class HuggingFaceConfig
{
    const string TextType = "llama", VisionType = "mllama";

    /// <summary>The text part of the 11B model, which is what the library takes a vision model for that does not say otherwise.</summary>
    static readonly ModelConfig VisionText = new()
    {
        HiddenSize = 4096,
        LayerCount = 40,
        HeadCount = 32,
        KvHeadCount = 8,
        HeadSize = 128,
        FeedForwardSize = 14336,
        VocabularySize = 128256,
        MaxPositions = 131072,
        NormEpsilon = 1e-5f,
        RopeTheta = 500000,
        TiedEmbeddings = false,
        CrossAttentionLayers = [3, 8, 13, 18, 23, 28, 33, 38],
    };

    public static ModelConfig Read(string path) => JsonFile.Read(path, Read);

    static ModelConfig Read(JsonSection json)
    {
        var isVision = json.Text("model_type") == VisionType;
        CheckArchitecture(json, isVision);
        if (!isVision)
            return ReadText(json);
        var text = json.Section("text_config") ?? throw json.Error("text_config", "is missing");
        var config = ReadText(text, VisionText) with
        {
            CrossAttentionLayers = text.Has("cross_attention_layers") ? text.Integers("cross_attention_layers", 0, ModelLimits.Layers - 1) : VisionText.CrossAttentionLayers,
            Vision = ReadVision(json.Section("vision_config") ?? throw json.Error("vision_config", "is missing")),
        };
        foreach (var key in (string[])["image_token_index", "image_token_id"])
            if ((json.Integer(key, 0, int.MaxValue) ?? config.ImageTokenId) is var token && token != config.ImageTokenId)
                throw json.Error(key, $"is {token}, only the token behind the vocabulary, {config.ImageTokenId}, is supported");
        return config.Validated(problem => text.Error("cross_attention_layers", problem));
    }

    /// <param name="json">The section of the text model.</param>
    /// <param name="defaults">What missing sizes are; null where they must not be missing.</param>
    static ModelConfig ReadText(JsonSection json, ModelConfig? defaults = null)
    {
        CheckText(json);
        var hidden = Required(json, "hidden_size", ModelLimits.Width, defaults?.HiddenSize);
        var heads = Required(json, "num_attention_heads", ModelLimits.Heads, defaults?.HeadCount);
        var kvHeads = json.Integer("num_key_value_heads", 1, ModelLimits.Heads) ?? defaults?.KvHeadCount ?? heads;
        if (heads % kvHeads != 0)
            throw json.Error("num_attention_heads", $"is {heads}, no multiple of num_key_value_heads {kvHeads}");
        if (!json.Has("head_dim") && hidden % heads != 0)
            throw json.Error("hidden_size", $"is {hidden}, no multiple of num_attention_heads {heads}, and head_dim is missing");
        var headSize = json.Integer("head_dim", 1, ModelLimits.HeadSize) ?? hidden / heads;
        if (headSize % 2 != 0)
            throw json.Error("head_dim", $"is {headSize}, RoPE needs an even one");
        var vocabulary = Required(json, "vocab_size", ModelLimits.Vocabulary, defaults?.VocabularySize);
        var (theta, scaling) = Rope(json, defaults?.RopeTheta ?? 10000);
        return new ModelConfig
        {
            HiddenSize = hidden,
            LayerCount = Required(json, "num_hidden_layers", ModelLimits.Layers, defaults?.LayerCount),
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadSize = headSize,
            FeedForwardSize = Required(json, "intermediate_size", ModelLimits.FeedForward, defaults?.FeedForwardSize),
            VocabularySize = vocabulary,
            MaxPositions = json.Integer("max_position_embeddings", 1, int.MaxValue) ?? defaults?.MaxPositions ?? 2048,
            NormEpsilon = json.Number("rms_norm_eps", 0) ?? defaults?.NormEpsilon ?? 1e-6f,
            RopeTheta = theta,
            RopeScaling = scaling,
            TiedEmbeddings = json.Flag("tie_word_embeddings") ?? false,
            BosId = json.Integer("bos_token_id", 0, vocabulary - 1),
            StopIds = json.Integers("eos_token_id", 0, vocabulary - 1),
        };
    }

    static VisionConfig ReadVision(JsonSection json)
    {
        CheckActivation(json, "gelu");
        var config = new VisionConfig
        {
            Width = Required(json, "hidden_size", ModelLimits.Width, 1280),
            LocalLayerCount = Required(json, "num_hidden_layers", ModelLimits.Layers, 32),
            GlobalLayerCount = json.Integer("num_global_layers", 0, ModelLimits.Layers) ?? 8,
            HeadCount = Required(json, "attention_heads", ModelLimits.Heads, 16),
            FeedForwardSize = Required(json, "intermediate_size", ModelLimits.FeedForward, 5120),
            NormEpsilon = json.Number("norm_eps", 0) ?? 1e-5f,
            TileSize = Required(json, "image_size", ModelLimits.TileSize, 448),
            PatchSize = Required(json, "patch_size", ModelLimits.TileSize, 14),
            MaxTiles = Required(json, "max_num_tiles", ModelLimits.Tiles, 4),
            IntermediateLayers = json.Has("intermediate_layers_indices") ? json.Integers("intermediate_layers_indices", 0, ModelLimits.Layers) : [3, 7, 15, 23, 30],
        }.Validated((field, problem) => json.Error(field switch
        {
            nameof(VisionConfig.HeadCount) => "attention_heads",
            nameof(VisionConfig.TileSize) => "image_size",
            _ => "intermediate_layers_indices",
        }, problem));
        if ((json.Integer("num_channels", 1, int.MaxValue) ?? 3) is var channels and not 3)
            throw json.Error("num_channels", $"is {channels}, only 3 are supported");
        if ((json.Integer("vision_output_dim", 1, int.MaxValue) ?? config.FeatureSize) is var size && size != config.FeatureSize)
            throw json.Error("vision_output_dim", $"is {size}, the features are {config.FeatureSize} wide");
        if (json.IntegerPairs("supported_aspect_ratios") is { } ratios && !ratios.SequenceEqual(config.AspectRatios))
            throw json.Error("supported_aspect_ratios", $"are not the layouts of up to {config.MaxTiles} tiles in their order");
        return config;
    }

    static int Required(JsonSection json, string key, int max, int? fallback = null) => json.Integer(key, 1, max) ?? fallback ?? throw json.Error(key, "is missing");

    static void CheckArchitecture(JsonSection json, bool isVision)
    {
        var @class = isVision ? "MllamaForConditionalGeneration" : "LlamaForCausalLM";
        var type = json.Text("model_type");
        var classes = json.Texts("architectures");
        if (type is null && classes is null)
            throw json.Error("model_type", "and architectures are missing");
        if (type is not (null or TextType or VisionType))
            throw json.Error("model_type", $"is {OneLine.Quote(type)}, only \"{TextType}\" and \"{VisionType}\" are supported");
        if (classes is not null && !classes.Contains(@class))
            throw json.Error("architectures", $"does not name {@class}");
        if (json.Has("quantization_config"))
            throw json.Error("quantization_config", "is given, only F32, F16 and BF16 weights are supported");
    }

    static void CheckActivation(JsonSection json, string due)
    {
        if (json.Text("hidden_act") is { } activation && activation != due)
            throw json.Error("hidden_act", $"is {OneLine.Quote(activation)}, only \"{due}\" is supported");
    }

    static void CheckText(JsonSection json)
    {
        CheckActivation(json, "silu");
        foreach (var bias in (string[])["attention_bias", "mlp_bias"])
            if (json.Flag(bias) == true)
                throw json.Error(bias, "is true, Llama 3 has no biases");
    }

    /// <summary>transformers 5 puts everything about RoPE under `rope_parameters`; 4 has `rope_theta` and `rope_scaling`, whose `rope_type` was once `type`.</summary>
    static (float Theta, RopeScaling? Scaling) Rope(JsonSection json, float defaultTheta)
    {
        var theta = json.Number("rope_theta", 0);
        var isNew = json.Has("rope_parameters");
        if ((isNew ? json.Section("rope_parameters") : json.Section("rope_scaling")) is not { } rope)
            return (theta ?? defaultTheta, null);
        theta = rope.Number("rope_theta", 0) ?? theta ?? defaultTheta;
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
