namespace Cria.Formats;

/// <summary>How a family of files names the tensors of a model (spec section 3).</summary>
sealed class TensorNames
{
    readonly string _blocks;
    readonly string[] _parts;       // of the roles within a block, from AttentionNorm to Down
    readonly string _embedding, _norm, _output;
    readonly string _derived;       // the end of the name of tensors that can be computed from the configuration

    TensorNames(string blocks, string[] parts, string embedding, string norm, string output, string derived) =>
        (_blocks, _parts, _embedding, _norm, _output, _derived) = (blocks, parts, embedding, norm, output, derived);

    public static TensorNames HuggingFace { get; } = new("model.layers.",
        ["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
        "model.embed_tokens", "model.norm", "lm_head", ".rotary_emb.inv_freq");

    public static TensorNames Gguf { get; } = new("blk.",
        ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"],
        "token_embd", "output_norm", "output", "rope_freqs.weight");

    public static TensorNames Meta { get; } = new("layers.",
        ["attention_norm", "attention.wq", "attention.wk", "attention.wv", "attention.wo", "ffn_norm", "feed_forward.w1", "feed_forward.w3", "feed_forward.w2"],
        "tok_embeddings", "norm", "output", "rope.freqs");

    /// <summary>The name of a role's tensor.</summary>
    public string Of(TensorRole role, int layer = 0) => role switch
    {
        TensorRole.Embedding => _embedding,
        TensorRole.FinalNorm => _norm,
        TensorRole.Output => _output,
        _ => $"{_blocks}{layer}.{_parts[role - TensorRole.AttentionNorm]}",
    } + ".weight";

    /// <summary>The name of a tensor that belongs to a role's: another ending in place of `weight`.</summary>
    public string PartOf(TensorRole role, int layer, string part) => Of(role, layer)[..^"weight".Length] + part;

    /// <summary>Whether a tensor without a role may be left out: a block beyond the configuration's last or a bias would change the result.</summary>
    public bool MayBeLeftOut(string name) => name.EndsWith(_derived, StringComparison.Ordinal)
        || !(name.StartsWith(_blocks, StringComparison.Ordinal) || name.EndsWith(".bias", StringComparison.Ordinal));
}
