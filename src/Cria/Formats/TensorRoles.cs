namespace Cria.Formats;

/// <summary>Which roles a configuration asks for, and their shapes (spec section 3).</summary>
static class TensorRoles
{
    /// <summary>Every (role, layer) that has a tensor of its own, from the embedding to the output matrix.</summary>
    public static IEnumerable<(TensorRole Role, int Layer)> All(ModelConfig config)
    {
        yield return (TensorRole.Embedding, 0);
        for (var layer = 0; layer < config.LayerCount; layer++)
            for (var role = TensorRole.AttentionNorm; role <= TensorRole.Down; role++)
                yield return (role, layer);
        yield return (TensorRole.FinalNorm, 0);
        if (!config.TiedEmbeddings)
            yield return (TensorRole.Output, 0);
    }

    public static long[] Shape(TensorRole role, ModelConfig c) => role switch
    {
        TensorRole.Embedding or TensorRole.Output => [c.VocabularySize, c.HiddenSize],
        TensorRole.AttentionNorm or TensorRole.FeedForwardNorm or TensorRole.FinalNorm => [c.HiddenSize],
        TensorRole.Query => [(long)c.HeadCount * c.HeadSize, c.HiddenSize],
        TensorRole.Key or TensorRole.Value => [(long)c.KvHeadCount * c.HeadSize, c.HiddenSize],
        TensorRole.AttentionOutput => [c.HiddenSize, (long)c.HeadCount * c.HeadSize],
        TensorRole.Gate or TensorRole.Up => [c.FeedForwardSize, c.HiddenSize],
        TensorRole.Down => [c.HiddenSize, c.FeedForwardSize],
        _ => throw new ArgumentOutOfRangeException(nameof(role)),
    };
}
