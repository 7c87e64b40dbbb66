namespace Cria.Formats;

/// <summary>
/// The hyperparameters of a Llama model (spec section 1; of a vision model's text part spec llama32-vision 1.1). <see cref="Read"/> gives only configurations the engine can compute:
/// sizes are positive and bounded, heads divide, and nothing that would change the result is ignored.
/// </summary>
public sealed record ModelConfig
{
    /// <summary>Width of the residual stream, D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Transformer blocks, L, those with cross-attention included.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Query heads, H.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads, K; divides H. H/K consecutive query heads share one.</summary>
    public required int KvHeadCount { get; init; }

    /// <summary>Width of a head, d; even. H·d need not be D.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Width of the SwiGLU, F.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>Rows of the output matrix, V, and of the embedding but for the image token's.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Positions the model was made for.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>The epsilon inside the square root of RMSNorm.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>The base of the RoPE frequencies.</summary>
    public required float RopeTheta { get; init; }

    /// <summary>The llama3 scaling of RoPE, or null for none.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Divisors of the RoPE frequencies [d/2], which GGUF has in place of the scaling's parameters; null for none.</summary>
    public IReadOnlyList<float>? RopeFactors { get; init; }

    /// <summary>
    /// Whether the rows of query and key stand as in the files of Meta and GGUF, where RoPE rotates elements 2i and 2i + 1 of a head,
    /// not as in those of Hugging Face, where it rotates i and i + d/2.
    /// </summary>
    public bool AdjacentPairs { get; init; }

    /// <summary>Of a model in Meta's quantized form how to compute it; null for others.</summary>
    public MetaQuantization? Quantization { get; init; }

    /// <summary>The vision encoder; null for a text model.</summary>
    public VisionConfig? Vision { get; init; }

    /// <summary>The blocks that attend to images instead of the text, ascending; a text model has none.</summary>
    public IReadOnlyList<int> CrossAttentionLayers { get; init; } = [];

    /// <summary>The token that stands for an image, the first behind the vocabulary; null for a text model.</summary>
    public int? ImageTokenId => Vision is null ? null : VocabularySize;

    /// <summary>Checks that a text has as many image tokens as there are images for it.</summary>
    /// <exception cref="CriaException">It has not, or the model takes no images.</exception>
    public void CheckImages(ReadOnlySpan<int> text, int images)
    {
        if (images > 0 && Vision is null)
            throw new CriaException("the model takes no images");
        if (ImageTokenId is { } token && text.Count(token) is var tokens && tokens != images)
            throw new CriaException($"the prompt has {tokens} image tokens (id {token}) for {images} images");
    }

    /// <summary>Rows of the embedding behind the vocabulary in all published vision models.</summary>
    internal const int ImageRows = 8;

    /// <summary>Checks that blocks with cross-attention are blocks of the model.</summary>
    /// <param name="error">Makes the error.</param>
    internal ModelConfig Validated(Func<string, CriaException> error)
    {
        for (var i = 0; i < CrossAttentionLayers.Count; i++)
            if (CrossAttentionLayers[i] >= LayerCount || (i > 0 && CrossAttentionLayers[i] <= CrossAttentionLayers[i - 1]))
                throw error($"are not ascending numbers of {LayerCount} blocks");
        return CrossAttentionLayers.Count is > 0 and var count && count < LayerCount ? this : throw error($"are {CrossAttentionLayers.Count} of {LayerCount} blocks");
    }

    /// <summary>Whether the output matrix is the embedding.</summary>
    public required bool TiedEmbeddings { get; init; }

    /// <summary>The token a text begins with, if the configuration names one.</summary>
    public int? BosId { get; init; }

    /// <summary>The end tokens the configuration names.</summary>
    public IReadOnlyList<int> StopIds { get; init; } = [];

    /// <summary>Reads a Hugging Face `config.json` as transformers 4 and 5 write it.</summary>
    /// <exception cref="CriaException">The file cannot be read, a field is missing or wrong, or the model is none this engine computes.</exception>
    public static ModelConfig Read(string path) => HuggingFaceConfig.Read(path);
}
