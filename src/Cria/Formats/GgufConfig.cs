using Cria.Tensors;

namespace Cria.Formats;

/// <summary>The hyperparameters in a GGUF file's metadata, keys `llama.*` or, of a vision model in Ollama's form, `mllama.*` (spec llama32-vision 5.6).</summary>
static class GgufConfig
{
    const int MaxText = 256;
    const string Text = "llama", Vision = "mllama";

    public static ModelConfig Read(GgufFile file, Tensor? embedding, Tensor? factors, bool tied)
    {
        var prefix = CheckArchitecture(file);
        var extraRows = prefix == Vision ? ModelConfig.ImageRows : 0;
        var hidden = Required("embedding_length", ModelLimits.Width);
        var heads = Required("attention.head_count", ModelLimits.Heads);
        var kvHeads = file.Integer($"{prefix}.attention.head_count_kv", 1, ModelLimits.Heads) ?? heads;
        if (heads % kvHeads != 0)
            throw file.Error($"{prefix}.attention.head_count", $"is {heads}, no multiple of {prefix}.attention.head_count_kv {kvHeads}");
        var headSize = file.Integer($"{prefix}.attention.key_length", 2, ModelLimits.HeadSize)
            ?? (hidden % heads == 0 ? hidden / heads : throw file.Error($"{prefix}.embedding_length", $"is {hidden}, no multiple of {prefix}.attention.head_count {heads}"));
        if (headSize % 2 != 0)
            throw file.Error($"{prefix}.attention.key_length", $"is {headSize}, RoPE needs an even one");
        foreach (var key in (string[])[$"{prefix}.attention.value_length", $"{prefix}.rope.dimension_count"])
            if ((file.Integer(key, 0, int.MaxValue) ?? headSize) is var size && size != headSize)
                throw file.Error(key, $"is {size}, only that of the keys, {headSize}, is supported");
        if (embedding is null)
            throw new CriaException($"{file.Path}: no tensor {TensorNames.Gguf.Embedding}");
        var vocabulary = embedding.Shape[0] - extraRows;
        if (vocabulary is < 1 or > ModelLimits.Vocabulary || (file.Integer($"{prefix}.vocab_size", 1, ModelLimits.Vocabulary) ?? vocabulary) != vocabulary)
            throw new CriaException($"{embedding.File}: {embedding.Name} has {embedding.Shape[0]} rows, not those of {prefix}.vocab_size");
        return new ModelConfig
        {
            HiddenSize = hidden,
            LayerCount = Required("block_count", ModelLimits.Layers),
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadSize = headSize,
            FeedForwardSize = Required("feed_forward_length", ModelLimits.FeedForward),
            VocabularySize = (int)vocabulary,
            MaxPositions = Required("context_length", int.MaxValue),
            NormEpsilon = file.Number($"{prefix}.attention.layer_norm_rms_epsilon", 0) ?? throw file.Error($"{prefix}.attention.layer_norm_rms_epsilon", "is missing"),
            RopeTheta = file.Number($"{prefix}.rope.freq_base", 0) ?? 10000,
            RopeFactors = factors is null ? null : ReadFactors(factors, headSize / 2),
            AdjacentPairs = true,
            TiedEmbeddings = tied,
            BosId = file.Flag("tokenizer.ggml.add_bos_token") == false ? null : file.Integer("tokenizer.ggml.bos_token_id", 0, (int)vocabulary - 1),
        };

        int Required(string key, int max) => file.Integer($"{prefix}.{key}", 1, max) ?? throw file.Error($"{prefix}.{key}", "is missing");
    }

    /// <summary>Whether a file is, or belongs to, a vision model.</summary>
    public static bool IsVision(GgufFile file) => CheckArchitecture(file) == Vision;

    /// <summary>Adds the vision encoder.</summary>
    /// <param name="config">The text part's configuration.</param>
    /// <param name="file">The file whose metadata that is from.</param>
    /// <param name="encoder">The file that holds the encoder.</param>
    public static ModelConfig WithVision(ModelConfig config, GgufFile file, GgufFile encoder)
    {
        const string CrossLayers = "mllama.attention.cross_attention_layers";
        var vision = new VisionConfig
        {
            Width = Required("embedding_length", ModelLimits.Width),
            LocalLayerCount = Required("block_count", ModelLimits.Layers),
            GlobalLayerCount = encoder.Integer("mllama.vision.global.block_count", 0, ModelLimits.Layers) ?? throw encoder.Error("mllama.vision.global.block_count", "is missing"),
            HeadCount = Required("attention.head_count", ModelLimits.Heads),
            FeedForwardSize = Required("feed_forward_length", ModelLimits.FeedForward),
            NormEpsilon = encoder.Number("mllama.vision.attention.layer_norm_epsilon", 0) ?? 1e-5f,
            TileSize = Required("image_size", ModelLimits.TileSize),
            PatchSize = Required("patch_size", ModelLimits.TileSize),
            MaxTiles = Required("max_num_tiles", ModelLimits.Tiles),
            IntermediateLayers = Integers(encoder, "mllama.vision.intermediate_layers_indices"),
        }.Validated((field, problem) => encoder.Error("mllama.vision." + field switch
        {
            nameof(VisionConfig.HeadCount) => "attention.head_count",
            nameof(VisionConfig.TileSize) => "image_size",
            _ => "intermediate_layers_indices",
        }, problem));
        if ((encoder.Integer("mllama.vision.num_channels", 1, int.MaxValue) ?? 3) is var channels and not 3)
            throw encoder.Error("mllama.vision.num_channels", $"is {channels}, only 3 are supported");
        return (config with { CrossAttentionLayers = Integers(file, CrossLayers), Vision = vision }).Validated(problem => file.Error(CrossLayers, problem));

        int Required(string key, int max) => encoder.Integer("mllama.vision." + key, 1, max) ?? throw encoder.Error("mllama.vision." + key, "is missing");
    }

    static int[] Integers(GgufFile file, string key)
    {
        var list = file.List(key, GgufType.I32) ?? throw file.Error(key, "is missing");
        if (list.Count > ModelLimits.Layers)
            throw file.Error(key, $"has {list.Count} entries, {ModelLimits.Layers} are the most");
        return [.. Enumerable.Range(0, (int)list.Count).Select(i => list.Integer(i) is >= 0 and < ModelLimits.Layers and var value ? (int)value : throw file.Error(key, $"holds {list.Integer(i)}, which is no block"))];
    }

    /// <summary>Refuses what is no Llama of the kind the engine computes; gives the prefix of its keys.</summary>
    /// <exception cref="CriaException">It is another architecture.</exception>
    public static string CheckArchitecture(GgufFile file)
    {
        const string Key = "general.architecture";
        var architecture = file.Text(Key, MaxText) ?? throw file.Error(Key, "is missing");
        if (architecture is not (Text or Vision))
            throw file.Error(Key, $"is {OneLine.Quote(architecture)}, only \"{Text}\" and \"{Vision}\" are supported");
        var scalingKey = architecture + ".rope.scaling.type";
        if (file.Text(scalingKey, MaxText) is { } scaling and not "none")
            throw file.Error(scalingKey, $"is {OneLine.Quote(scaling)}; Llama 3 models have rope_freqs.weight instead");
        var experts = architecture + ".expert_count";
        if (file.Integer(experts, 0, int.MaxValue) is > 0)
            throw file.Error(experts, "is not 0, mixtures of experts are not supported");
        return architecture;
    }

    static float[] ReadFactors(Tensor tensor, int count)
    {
        if (tensor.Type != ElementType.F32 || tensor.Count != count)
            throw new CriaException($"{tensor.File}: {tensor.Name} is {tensor.Type.Name()} {tensor.ShapeText}, not {count} F32 factors");
        var factors = new float[count];
        tensor.CopyTo(factors);
        return Array.TrueForAll(factors, f => float.IsFinite(f) && f > 0) ? factors
            : throw new CriaException($"{tensor.File}: {tensor.Name} holds a factor that is not positive");
    }
}
