using Cria.Tensors;

namespace Cria.Formats;

/// <summary>`params.json` of Meta's original directories (spec section 1); defaults for missing keys are those of Meta's reference code.</summary>
static class MetaParams
{
    /// <summary>Positions of Llama 3, whose RoPE is not scaled; of Meta's quantized models; and of Llama 3.1 and 3.2.</summary>
    const int ShortContext = 8192, LongContext = 131072;

    const string Tile = "vision_chunk_size", MaxTiles = "vision_max_num_chunks", CrossLayers = "vision_num_cross_attention_layers";

    /// <summary>What is the same in all of Meta's vision models and stands in its code.</summary>
    const int VisionHeads = 16, VisionLocalLayers = 32, VisionGlobalLayers = 8, VisionPatchSize = 14;

    /// <summary>Reads the file beside a checkpoint.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The checkpoint's.</param>
    /// <param name="tied">Whether the output matrix is the embedding.</param>
    public static ModelConfig Read(string path, List<Tensor> tensors, bool tied) => JsonFile.Read(path, json =>
    {
        var crossLayers = json.Integer(CrossLayers, 0, ModelLimits.Layers)
            ?? json.Section("vision_model")?.Section("cross_attention_adapter")?.Integer("num_layers", 0, ModelLimits.Layers) ?? 0;
        var isVision = json.Number(Tile) > 0 || crossLayers > 0;
        var name = (isVision ? TensorNames.MetaText : "") + TensorNames.Meta.Embedding;
        var embedding = Find(tensors, name) ?? throw (isVision ? json.Error(json.Has(Tile) ? Tile : CrossLayers, $"is given, and the checkpoint has no tensor {name}")
            : new CriaException($"{tensors.FirstOrDefault()?.File ?? path}: no tensor {name}"));
        var config = Read(json, embedding, tied, tensors.Exists(t => t.Name.Contains(".adaptor.", StringComparison.Ordinal)));
        if (!isVision)
            return config;
        if (config.Quantization is not null)
            throw json.Error("quantization_args", "is given for a vision model");
        return (config with
        {
            LayerCount = config.LayerCount + crossLayers,
            CrossAttentionLayers = Merged(config.LayerCount, crossLayers),
            Vision = ReadVision(json, tensors),
        }).Validated(problem => json.Error(CrossLayers, problem));
    });

    static Tensor? Find(List<Tensor> tensors, string name) => tensors.Find(t => t.Name == name);

    /// <summary>
    /// The places of the blocks with cross-attention when all blocks are counted together: each stands before one of the others, every k-th of these
    /// counted from the last, k = the number of others over that of cross-attention, rounded up (spec llama32-vision 1.1).
    /// </summary>
    static int[] Merged(int layers, int crossLayers)
    {
        if (crossLayers == 0)
            return [];
        var step = (layers + crossLayers - 1) / crossLayers;
        return [.. Enumerable.Range(0, layers).Where(i => i % step == 0).Take(crossLayers).Reverse().Select((i, before) => layers - 1 - i + before)];
    }

    static VisionConfig ReadVision(JsonSection json, List<Tensor> tensors)
    {
        int Rows(string name) => Find(tensors, name) is { Shape: [var rows and > 0 and <= ModelLimits.Width, _] } ? (int)rows : throw json.Error(Tile, $"is given, and the checkpoint has no matrix {name}");
        return new VisionConfig
        {
            Width = Rows(TensorNames.MetaSizes.Patch),
            LocalLayerCount = VisionLocalLayers,
            GlobalLayerCount = VisionGlobalLayers,
            HeadCount = VisionHeads,
            FeedForwardSize = Rows(TensorNames.MetaSizes.Up),
            NormEpsilon = 1e-5f,
            TileSize = json.Integer(Tile, 1, ModelLimits.TileSize) ?? throw json.Error(Tile, "is missing"),
            PatchSize = VisionPatchSize,
            MaxTiles = json.Integer(MaxTiles, 1, ModelLimits.Tiles) ?? 4,
            IntermediateLayers = [3, 7, 15, 23, 30],
        }.Validated((field, problem) => json.Error(Tile, field == nameof(VisionConfig.TileSize) ? problem : $"is of a model whose {field} {problem}"));
    }

    static ModelConfig Read(JsonSection json, Tensor embedding, bool tied, bool hasAdaptors)
    {
        var dim = json.Integer("dim", 1, ModelLimits.Width) ?? 4096;
        var layers = json.Integer("n_layers", 1, ModelLimits.Layers) ?? 32;
        var heads = json.Integer("n_heads", 1, ModelLimits.Heads) ?? 32;
        var kvHeads = json.Integer("n_kv_heads", 1, ModelLimits.Heads) ?? heads;
        if (dim % heads != 0 || dim / heads % 2 != 0)
            throw json.Error("n_heads", $"is {heads}, they do not cut dim {dim} into heads of an even size");
        if (heads % kvHeads != 0)
            throw json.Error("n_heads", $"is {heads}, no multiple of n_kv_heads {kvHeads}");
        var vocabulary = json.Integer("vocab_size", -1, ModelLimits.Vocabulary) ?? -1;
        if (embedding.Shape is not [var rows and > 0 and <= ModelLimits.Vocabulary, var columns] || columns != dim || (vocabulary != -1 && vocabulary != rows))
            throw json.Error(vocabulary == -1 ? "dim" : "vocab_size and dim", $"do not fit {embedding.Name}, which has shape {embedding.ShapeText}");
        var (size, quantization) = (FeedForwardSize(json, dim), Quantization(json, hasAdaptors));
        if (quantization is not null && (dim % quantization.GroupSize != 0 || size % quantization.GroupSize != 0))
            throw json.Error("quantization_args.group_size", $"is {quantization.GroupSize}, it does not divide {dim} and {size}");
        if (quantization is { IsRotated: true } && !int.IsPow2(size))
            throw json.Error("quantization_args", $"ask for a Hadamard matrix, but the feed-forward size {size} is no power of two");
        var isScaled = json.Flag("use_scaled_rope") ?? false;
        return new ModelConfig
        {
            HiddenSize = dim,
            LayerCount = layers,
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadSize = dim / heads,
            FeedForwardSize = size,
            VocabularySize = (int)rows,
            MaxPositions = isScaled && quantization is null ? LongContext : ShortContext,
            NormEpsilon = json.Number("norm_eps", 0) ?? 1e-5f,
            RopeTheta = json.Number("rope_theta", 0) ?? 500000,
            RopeScaling = isScaled ? new RopeScaling(Factor(json, dim, layers), 1, 4, 8192) : null,
            AdjacentPairs = true,
            Quantization = quantization,
            TiedEmbeddings = tied,
        };
    }

    /// <summary>Two thirds of 4 D, times the multiplier, up to a multiple; cut to an integer after each step, in double as the reference does it.</summary>
    static int FeedForwardSize(JsonSection json, int dim)
    {
        const string Multiplier = "ffn_dim_multiplier", Multiple = "multiple_of";
        var size = Math.Truncate(2.0 * (4.0 * dim) / 3);
        if (json.Double(Multiplier) is { } multiplier)
            size = Math.Truncate(multiplier * size);
        var multiple = json.Integer(Multiple, 1, ModelLimits.FeedForward) ?? 256;
        size = Math.Ceiling(size / multiple) * multiple;
        return size is > 0 and <= ModelLimits.FeedForward ? (int)size
            : throw json.Error(json.Has(Multiplier) ? $"{Multiplier} and {Multiple}" : Multiple, $"give a feed-forward size of {size}, it must be from 1 to {ModelLimits.FeedForward}");
    }

    /// <summary>The published files leave out `scheme` and `spinquant`; then a model without adaptors is SpinQuant's.</summary>
    static MetaQuantization? Quantization(JsonSection json, bool hasAdaptors)
    {
        const string Scheme = "int4_weight_int8_dynamic_activation";
        if (json.Section("quantization_args") is not { } arguments)
            return null;
        if (arguments.Text("scheme") is { } scheme and not Scheme)
            throw arguments.Error("scheme", $"is {OneLine.Quote(scheme)}, only \"{Scheme}\" is supported");
        var adaptors = json.Section("lora_args");
        if (adaptors is null && hasAdaptors)
            throw json.Error("lora_args", "is missing, the checkpoint has adaptors");
        return new MetaQuantization(arguments.Integer("group_size", 1, ModelLimits.Width) ?? 32, arguments.Flag("spinquant") ?? adaptors is null,
            adaptors?.Integer("rank", 1, ModelLimits.Width) ?? (adaptors is null ? 0 : 16), adaptors?.Number("scale") ?? 2);
    }

    /// <summary>Meta's file does not say it, and its code has 8 for every model; Llama 3.2 was made with 32, only these two shapes are 3.2, and only 3.2 is quantized.</summary>
    static float Factor(JsonSection json, int dim, int layers) =>
        json.Number("rope_scaling_factor", 0) ?? (json.Has("quantization_args") || (dim, layers) is (2048, 16) or (3072, 28) ? 32 : 8);
}
