namespace Cria.Formats;

/// <summary>The part a tensor plays in a Llama text model. Matrices are [out, in]; sizes as in <see cref="ModelConfig"/>.</summary>
public enum TensorRole
{
    /// <summary>Token embedding [V, D].</summary>
    Embedding,
    /// <summary>RMSNorm before attention [D].</summary>
    AttentionNorm,
    /// <summary>Query projection [H·d, D], rows in the order of Hugging Face (RoPE rotates element i with i + d/2).</summary>
    Query,
    /// <summary>Key projection [K·d, D], rows in the same order.</summary>
    Key,
    /// <summary>Value projection [K·d, D].</summary>
    Value,
    /// <summary>Output projection of attention [D, H·d].</summary>
    AttentionOutput,
    /// <summary>RMSNorm before the SwiGLU [D].</summary>
    FeedForwardNorm,
    /// <summary>Gate of the SwiGLU [F, D].</summary>
    Gate,
    /// <summary>Up projection of the SwiGLU [F, D].</summary>
    Up,
    /// <summary>Down projection of the SwiGLU [D, F].</summary>
    Down,
    /// <summary>RMSNorm after the last block [D].</summary>
    FinalNorm,
    /// <summary>Output matrix [V, D]; the embedding itself where the two are tied.</summary>
    Output,
}
