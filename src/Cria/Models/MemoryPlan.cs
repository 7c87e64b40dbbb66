using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>The memory that a model takes, computed from its configuration and the sizes of its tensors; nothing is read.</summary>
/// <param name="Weights">Bytes of the weights as they are stored, which is also what they take when they are used.</param>
/// <param name="Token">Bytes of the keys and values of a token.</param>
/// <param name="Context">Bytes of those of a text as long as the model can read.</param>
/// <param name="Image">Bytes of the keys and values of an image of the most tiles, kept as long as it is in sight; 0 for a text model.</param>
/// <param name="ReadingImage">Bytes that reading one takes besides, given back after it; 0 for a text model.</param>
public sealed record MemoryPlan(long Weights, long Token, long Context, long Image, long ReadingImage)
{
    /// <param name="checkpoint">The model.</param>
    /// <param name="kv">The type of keys and values.</param>
    public static MemoryPlan Of(Checkpoint checkpoint, KvType kv)
    {
        var c = checkpoint.Config;
        var token = TokenBytes(c.LayerCount - c.CrossAttentionLayers.Count);
        var plan = new MemoryPlan(checkpoint.Tensors.Sum(t => t.ByteLength), token, token * c.MaxPositions, 0, 0);
        if (c.Vision is not { } v)
            return plan;
        long tokens = v.MaxTiles * v.TileTokens;
        // The residual stream, queries, keys and values of the encoder, what the projector reads, and what it gives.
        return plan with { Image = tokens * TokenBytes(c.CrossAttentionLayers.Count), ReadingImage = tokens * sizeof(float) * (4 * v.Width + v.FeatureSize + c.HiddenSize) };

        long TokenBytes(int layers) => new KvCache(layers, c.KvHeadCount, c.HeadSize, kv, KernelSet.Best).PageBytes / KvCache.PagePositions;
    }
}
