namespace Cria.Formats;

/// <summary>How a family of files names the tensors of a model (spec section 3, spec llama32-vision 5).</summary>
sealed class TensorNames
{
    /// <summary>The two tensors in which GGUF has the one gate of the position embeddings: its tanh, and one minus that.</summary>
    public const string GgufPositionGate = "v.tile_position_embd.gate", GgufLocalPositionGate = "v.position_embd.gate";

    /// <summary>What Meta writes before the names of a vision model's text part.</summary>
    public const string MetaText = "text_model.";

    readonly ModelConfig? _config; // of a vision model

    TensorNames(ModelConfig? config = null) => _config = config;

    /// <summary>What stands before the number of a block.</summary>
    public required string Blocks { get; init; }

    /// <summary>The same of a block with cross-attention; null where all blocks are counted together.</summary>
    string? CrossBlocks { get; init; }

    /// <summary>The roles of a block, from AttentionNorm to Down, without `.weight`.</summary>
    public required string[] Parts { get; init; }

    /// <summary>The roles that only a block with cross-attention has, from CrossQuery on.</summary>
    string[] CrossParts { get; init; } = [];

    public required string Embedding { get; init; }

    /// <summary>The tensor that holds the embedding of the image token.</summary>
    string ImageEmbedding { get; init; } = "";

    public required string FinalNorm { get; init; }

    public required string Output { get; init; }

    /// <summary>The end of the names of tensors that can be computed from the configuration.</summary>
    public required string Derived { get; init; }

    /// <summary>What stands before the names of the vision encoder, and behind that before the number of a local and of a global block.</summary>
    (string? All, string Local, string Global) Vision { get; init; }

    /// <summary>The encoder's roles outside of blocks, from VisionPatch on.</summary>
    string[] VisionOutside { get; init; } = [];

    /// <summary>The encoder's roles within a block, from VisionAttentionNorm on.</summary>
    string[] VisionParts { get; init; } = [];

    /// <summary>The projector, whose matrix ends with `.weight` and whose bias with `.bias`.</summary>
    string Projector { get; init; } = "";

    public static TensorNames HuggingFace { get; } = new()
    {
        Blocks = "model.layers.",
        Parts = ["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
        Embedding = "model.embed_tokens.weight",
        FinalNorm = "model.norm.weight",
        Output = "lm_head.weight",
        Derived = ".rotary_emb.inv_freq",
    };

    public static TensorNames Gguf { get; } = new()
    {
        Blocks = "blk.",
        Parts = ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"],
        Embedding = "token_embd.weight",
        FinalNorm = "output_norm.weight",
        Output = "output.weight",
        Derived = "rope_freqs.weight",
    };

    public static TensorNames Meta { get; } = new()
    {
        Blocks = "layers.",
        Parts = ["attention_norm", "attention.wq", "attention.wk", "attention.wv", "attention.wo", "ffn_norm", "feed_forward.w1", "feed_forward.w3", "feed_forward.w2"],
        Embedding = "tok_embeddings.weight",
        FinalNorm = "norm.weight",
        Output = "output.weight",
        Derived = "rope.freqs",
    };

    /// <summary>Hugging Face's names for a model: those of files, or those that transformers since 4.52 has in memory.</summary>
    public static TensorNames HuggingFaceOf(ModelConfig config, bool asInMemory = false)
    {
        if (config.Vision is null)
            return HuggingFace;
        var (text, rest, head) = asInMemory ? ("model.language_model.", "model.", "") : ("language_model.model.", "", "language_model.");
        return new(config)
        {
            Blocks = text + "layers.",
            Parts = HuggingFace.Parts,
            CrossParts =
            [
                "cross_attn.q_proj.weight", "cross_attn.k_proj.weight", "cross_attn.v_proj.weight", "cross_attn.o_proj.weight",
                "cross_attn.q_norm.weight", "cross_attn.k_norm.weight", "cross_attn_attn_gate", "cross_attn_mlp_gate",
            ],
            Embedding = text + "embed_tokens.weight",
            ImageEmbedding = text + "embed_tokens.weight",
            FinalNorm = text + "norm.weight",
            Output = head + "lm_head.weight",
            Derived = HuggingFace.Derived,
            Vision = (rest + "vision_model.", "transformer.layers.", "global_transformer.layers."),
            VisionOutside =
            [
                "patch_embedding.weight", "class_embedding",
                "gated_positional_embedding.embedding", "gated_positional_embedding.gate", "gated_positional_embedding.tile_embedding.weight",
                "pre_tile_positional_embedding.embedding.weight", "pre_tile_positional_embedding.gate",
                "post_tile_positional_embedding.embedding.weight", "post_tile_positional_embedding.gate",
                "layernorm_pre.weight", "layernorm_pre.bias", "layernorm_post.weight", "layernorm_post.bias",
            ],
            VisionParts =
            [
                "input_layernorm.weight", "input_layernorm.bias", "self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight", "self_attn.o_proj.weight",
                "post_attention_layernorm.weight", "post_attention_layernorm.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias", "gate_attn", "gate_ffn",
            ],
            Projector = rest + "multi_modal_projector",
        };
    }

    /// <summary>Ollama's names for a model: those of its converter, or those of the time when the encoder was a file of its own.</summary>
    public static TensorNames GgufOf(ModelConfig config, bool ofPair = false) => config.Vision is null ? Gguf : new(config)
    {
        Blocks = Gguf.Blocks,
        Parts = Gguf.Parts,
        CrossParts =
        [
            "cross_attn_q_proj.weight", "cross_attn_k_proj.weight", "cross_attn_v_proj.weight", "cross_attn_o_proj.weight",
            "cross_attn_q_norm.weight", "cross_attn_k_norm.weight", "cross_attn_attn_gate", "cross_attn_mlp_gate",
        ],
        Embedding = Gguf.Embedding,
        ImageEmbedding = Gguf.Embedding,
        FinalNorm = Gguf.FinalNorm,
        Output = Gguf.Output,
        Derived = Gguf.Derived,
        Vision = ("v.", "blk.", "global.blk."),
        VisionOutside =
        [
            "patch_embd.weight", "class_embd", "position_embd.weight", GgufPositionGate["v.".Length..], "tile_position_embd.weight",
            "pre_tile_position_embd.weight", "pre_tile_position_embd.gate", "post_tile_position_embd.weight", "post_tile_position_embd.gate",
            "pre_ln.weight", "pre_ln.bias", "post_ln.weight", "post_ln.bias",
        ],
        VisionParts = ofPair
            ?
            [
                "ln1.weight", "ln1.bias", "attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_out.weight",
                "ln2.weight", "ln2.bias", "ffn_down.weight", "ffn_down.bias", "ffn_up.weight", "ffn_up.bias", "attn_gate", "ffn_gate",
            ]
            :
            [
                "attn_norm.weight", "attn_norm.bias", "attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight",
                "ffn_norm.weight", "ffn_norm.bias", "ffn_up.weight", "ffn_up.bias", "ffn_down.weight", "ffn_down.bias", "attn_gate", "ffn_gate",
            ],
        Projector = "mm.0",
    };

    /// <summary>Meta's names for a model.</summary>
    public static TensorNames MetaOf(ModelConfig config) => config.Vision is null ? Meta : new(config)
    {
        Blocks = MetaText + Meta.Blocks,
        Parts = Meta.Parts,
        CrossBlocks = MetaText + "cross_attention_layers.",
        CrossParts =
        [
            "attention.wq.weight", "attention.wk.weight", "attention.wv.weight", "attention.wo.weight",
            "attention.q_norm.weight", "attention.k_norm.weight", "gate_attn", "gate_ffwd",
        ],
        Embedding = MetaText + Meta.Embedding,
        ImageEmbedding = MetaText + "learnable_embedding.weight",
        FinalNorm = MetaText + Meta.FinalNorm,
        Output = MetaText + Meta.Output,
        Derived = Meta.Derived,
        Vision = (MetaVision, "transformer.resblocks.", "global_transformer.resblocks."),
        VisionOutside =
        [
            MetaPatch, "class_embedding", "positional_embedding", "gated_positional_embedding_gate", "gated_positional_embedding",
            "pre_tile_pos_embed.embedding", "pre_tile_pos_embed.gate", "post_tile_pos_embed.embedding", "post_tile_pos_embed.gate",
            "ln_pre.weight", "ln_pre.bias", "ln_post.weight", "ln_post.bias",
        ],
        VisionParts =
        [
            "ln_1.weight", "ln_1.bias", "attn.wq.weight", "attn.wk.weight", "attn.wv.weight", "attn.wo.weight",
            "ln_2.weight", "ln_2.bias", MetaUp, "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias", "gate_attn", "gate_ffn",
        ],
        Projector = "vision_model.vision_projection",
    };

    const string MetaVision = "vision_model.vision_encoder.", MetaPatch = "conv1._linear.weight", MetaUp = "mlp.c_fc.weight";

    /// <summary>The tensors of Meta's vision models whose shapes stand for the encoder's width and its feed-forward size, which `params.json` does not say.</summary>
    public static (string Patch, string Up) MetaSizes { get; } = (MetaVision + MetaPatch, MetaVision + "transformer.resblocks.0." + MetaUp);

    /// <summary>The name of a role's tensor.</summary>
    public string Of(TensorRole role, int layer = 0) => role switch
    {
        TensorRole.Embedding => Embedding,
        TensorRole.ImageEmbedding => ImageEmbedding,
        TensorRole.FinalNorm => FinalNorm,
        TensorRole.Output => Output,
        <= TensorRole.Down => $"{Block(layer)}.{Parts[role - TensorRole.AttentionNorm]}.weight",
        <= TensorRole.CrossFeedForwardGate => $"{Block(layer)}.{CrossParts[role - TensorRole.CrossQuery]}",
        <= TensorRole.VisionPostNormBias => Vision.All + VisionOutside[role - TensorRole.VisionPatch],
        TensorRole.VisionProjector => Projector + ".weight",
        TensorRole.VisionProjectorBias => Projector + ".bias",
        _ when layer < _config!.Vision!.LocalLayerCount => $"{Vision.All}{Vision.Local}{layer}.{VisionParts[role - TensorRole.VisionAttentionNorm]}",
        _ => $"{Vision.All}{Vision.Global}{layer - _config.Vision.LocalLayerCount}.{VisionParts[role - TensorRole.VisionAttentionNorm]}",
    };

    string Block(int layer)
    {
        if (CrossBlocks is null)
            return $"{Blocks}{layer}";
        var before = _config!.CrossAttentionLayers.Count(cross => cross < layer);
        return _config.CrossAttentionLayers.Contains(layer) ? $"{CrossBlocks}{before}" : $"{Blocks}{layer - before}";
    }

    /// <summary>The name of a tensor that belongs to a role's: another ending in place of `weight`.</summary>
    public string PartOf(TensorRole role, int layer, string part) => Of(role, layer)[..^"weight".Length] + part;

    /// <summary>Whether a tensor without a role may be left out: a block beyond the configuration's last or a bias would change the result.</summary>
    public bool MayBeLeftOut(string name) => name.EndsWith(Derived, StringComparison.Ordinal) || name == GgufLocalPositionGate
        || !(name.EndsWith(".bias", StringComparison.Ordinal)
            || Array.Exists([Blocks, CrossBlocks ?? Blocks, Vision.All ?? Blocks], prefix => name.StartsWith(prefix, StringComparison.Ordinal)));
}
