namespace Cria.Formats;

/// <summary>
/// The part a tensor plays in a Llama model. Matrices are [out, in]; sizes as in <see cref="ModelConfig"/> and, of the roles that begin with
/// Vision, <see cref="VisionConfig"/>. Gates are single numbers whose tanh is the factor.
/// </summary>
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
    /// <summary>Embeddings of the tokens behind the vocabulary [8, D], of which the first is the image's.</summary>
    ImageEmbedding,
    /// <summary>Query projection of cross-attention [H·d, D]; its rows are in no order of RoPE's.</summary>
    CrossQuery,
    /// <summary>Key projection of cross-attention [K·d, D].</summary>
    CrossKey,
    /// <summary>Value projection of cross-attention [K·d, D].</summary>
    CrossValue,
    /// <summary>Output projection of cross-attention [D, H·d].</summary>
    CrossOutput,
    /// <summary>RMSNorm of every head of the queries [d].</summary>
    CrossQueryNorm,
    /// <summary>RMSNorm of every head of the keys [d].</summary>
    CrossKeyNorm,
    /// <summary>Gate of what cross-attention adds [1].</summary>
    CrossAttentionGate,
    /// <summary>Gate of what the SwiGLU behind cross-attention adds [1].</summary>
    CrossFeedForwardGate,
    /// <summary>Patch embedding [W, 3·P·P], columns by channel, row and column of the patch.</summary>
    VisionPatch,
    /// <summary>The token before the patches of every tile [W].</summary>
    VisionClass,
    /// <summary>Position embedding within a tile [N, W].</summary>
    VisionPosition,
    /// <summary>Gate between the two position embeddings [1].</summary>
    VisionPositionGate,
    /// <summary>Position embedding of every tile [1 + aspect ratios, tiles·N·W]; row 0 is of no image.</summary>
    VisionTilePosition,
    /// <summary>Tile embedding before the local blocks [1 + aspect ratios, tiles·W].</summary>
    VisionPreTile,
    /// <summary>Its gate [1].</summary>
    VisionPreTileGate,
    /// <summary>Tile embedding before the global blocks [1 + aspect ratios, tiles·W].</summary>
    VisionPostTile,
    /// <summary>Its gate [1].</summary>
    VisionPostTileGate,
    /// <summary>LayerNorm before the local blocks [W].</summary>
    VisionPreNorm,
    /// <summary>Its bias [W].</summary>
    VisionPreNormBias,
    /// <summary>LayerNorm behind the local blocks [W].</summary>
    VisionPostNorm,
    /// <summary>Its bias [W].</summary>
    VisionPostNormBias,
    /// <summary>LayerNorm before attention [W]; blocks are counted through, the local ones first.</summary>
    VisionAttentionNorm,
    /// <summary>Its bias [W].</summary>
    VisionAttentionNormBias,
    /// <summary>Query projection [W, W].</summary>
    VisionQuery,
    /// <summary>Key projection [W, W].</summary>
    VisionKey,
    /// <summary>Value projection [W, W].</summary>
    VisionValue,
    /// <summary>Output projection of attention [W, W].</summary>
    VisionOutput,
    /// <summary>LayerNorm before the feed-forward part [W].</summary>
    VisionFeedForwardNorm,
    /// <summary>Its bias [W].</summary>
    VisionFeedForwardNormBias,
    /// <summary>First matrix of the feed-forward part [F, W].</summary>
    VisionUp,
    /// <summary>Its bias [F].</summary>
    VisionUpBias,
    /// <summary>Second matrix of the feed-forward part [W, F].</summary>
    VisionDown,
    /// <summary>Its bias [W].</summary>
    VisionDownBias,
    /// <summary>Gate of a global block's attention [1].</summary>
    VisionAttentionGate,
    /// <summary>Gate of a global block's feed-forward part [1].</summary>
    VisionFeedForwardGate,
    /// <summary>From the encoder's features to the text model's width [D, W·(1 + intermediate features)].</summary>
    VisionProjector,
    /// <summary>Its bias [D].</summary>
    VisionProjectorBias,
}
