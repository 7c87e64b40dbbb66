namespace Cria.Formats;

/// <summary>Which roles a configuration asks for, and their shapes (spec section 3, spec llama32-vision 5).</summary>
static class TensorRoles
{
    /// <summary>Of a block that attends to the text, in the order of computation.</summary>
    public static IReadOnlyList<TensorRole> SelfBlock { get; } = [.. Range(TensorRole.AttentionNorm, TensorRole.Down)];

    /// <summary>Of a block that attends to images.</summary>
    public static IReadOnlyList<TensorRole> CrossBlock { get; } =
        [TensorRole.AttentionNorm, .. Range(TensorRole.CrossQuery, TensorRole.CrossFeedForwardGate), .. Range(TensorRole.FeedForwardNorm, TensorRole.Down)];

    /// <summary>Of a block of the vision encoder; the two gates of global ones only.</summary>
    public static IReadOnlyList<TensorRole> VisionBlock { get; } = [.. Range(TensorRole.VisionAttentionNorm, TensorRole.VisionFeedForwardGate)];

    /// <summary>Every (role, layer) of the text model that has a tensor of its own, from the embedding to the output matrix.</summary>
    public static IEnumerable<(TensorRole Role, int Layer)> Text(ModelConfig config)
    {
        yield return (TensorRole.Embedding, 0);
        if (config.Vision is not null)
            yield return (TensorRole.ImageEmbedding, 0);
        for (var layer = 0; layer < config.LayerCount; layer++)
            foreach (var role in config.CrossAttentionLayers.Contains(layer) ? CrossBlock : SelfBlock)
                yield return (role, layer);
        yield return (TensorRole.FinalNorm, 0);
        if (!config.TiedEmbeddings)
            yield return (TensorRole.Output, 0);
    }

    /// <summary>Every (role, layer) of the vision encoder and its projector.</summary>
    public static IEnumerable<(TensorRole Role, int Layer)> Vision(VisionConfig config)
    {
        foreach (var role in Range(TensorRole.VisionPatch, TensorRole.VisionPostNormBias))
            yield return (role, 0);
        for (var layer = 0; layer < config.LayerCount; layer++)
            foreach (var role in layer < config.LocalLayerCount ? VisionBlock.SkipLast(2) : VisionBlock)
                yield return (role, layer);
        yield return (TensorRole.VisionProjector, 0);
        yield return (TensorRole.VisionProjectorBias, 0);
    }

    /// <summary>All of both.</summary>
    public static IEnumerable<(TensorRole Role, int Layer)> All(ModelConfig config) => config.Vision is { } vision ? Text(config).Concat(Vision(vision)) : Text(config);

    /// <summary>Whether what is read of an image, the keys and values of its cross-attention, depends on a role.</summary>
    public static bool IsOfImages(TensorRole role) => role is TensorRole.CrossKey or TensorRole.CrossValue or TensorRole.CrossKeyNorm or >= TensorRole.VisionPatch;

    public static long[] Shape(TensorRole role, ModelConfig c) => role switch
    {
        TensorRole.Embedding or TensorRole.Output => [c.VocabularySize, c.HiddenSize],
        TensorRole.ImageEmbedding => [ModelConfig.ImageRows, c.HiddenSize],
        TensorRole.AttentionNorm or TensorRole.FeedForwardNorm or TensorRole.FinalNorm => [c.HiddenSize],
        TensorRole.Query or TensorRole.CrossQuery => [(long)c.HeadCount * c.HeadSize, c.HiddenSize],
        TensorRole.Key or TensorRole.Value or TensorRole.CrossKey or TensorRole.CrossValue => [(long)c.KvHeadCount * c.HeadSize, c.HiddenSize],
        TensorRole.AttentionOutput or TensorRole.CrossOutput => [c.HiddenSize, (long)c.HeadCount * c.HeadSize],
        TensorRole.CrossQueryNorm or TensorRole.CrossKeyNorm => [c.HeadSize],
        TensorRole.CrossAttentionGate or TensorRole.CrossFeedForwardGate => [1],
        TensorRole.Gate or TensorRole.Up => [c.FeedForwardSize, c.HiddenSize],
        TensorRole.Down => [c.HiddenSize, c.FeedForwardSize],
        TensorRole.VisionProjector => [c.HiddenSize, c.Vision!.FeatureSize],
        TensorRole.VisionProjectorBias => [c.HiddenSize],
        _ => Shape(role, c.Vision!),
    };

    static long[] Shape(TensorRole role, VisionConfig c) => role switch
    {
        TensorRole.VisionPatch => [c.Width, 3L * c.PatchSize * c.PatchSize],
        TensorRole.VisionPosition => [c.TileTokens, c.Width],
        TensorRole.VisionTilePosition => [1 + c.AspectRatios.Count, (long)c.MaxTiles * c.TileTokens * c.Width],
        TensorRole.VisionPreTile or TensorRole.VisionPostTile => [1 + c.AspectRatios.Count, (long)c.MaxTiles * c.Width],
        TensorRole.VisionQuery or TensorRole.VisionKey or TensorRole.VisionValue or TensorRole.VisionOutput => [c.Width, c.Width],
        TensorRole.VisionUp => [c.FeedForwardSize, c.Width],
        TensorRole.VisionUpBias => [c.FeedForwardSize],
        TensorRole.VisionDown => [c.Width, c.FeedForwardSize],
        TensorRole.VisionPositionGate or TensorRole.VisionPreTileGate or TensorRole.VisionPostTileGate
            or TensorRole.VisionAttentionGate or TensorRole.VisionFeedForwardGate => [1],
        TensorRole.VisionClass or TensorRole.VisionPreNorm or TensorRole.VisionPreNormBias or TensorRole.VisionPostNorm or TensorRole.VisionPostNormBias
            or TensorRole.VisionAttentionNorm or TensorRole.VisionAttentionNormBias
            or TensorRole.VisionFeedForwardNorm or TensorRole.VisionFeedForwardNormBias or TensorRole.VisionDownBias => [c.Width],
        _ => throw new ArgumentOutOfRangeException(nameof(role)),
    };

    static IEnumerable<TensorRole> Range(TensorRole first, TensorRole last)
    {
        for (var role = first; role <= last; role++)
            yield return role;
    }
}
