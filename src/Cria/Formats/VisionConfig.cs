namespace Cria.Formats;

/// <summary>The hyperparameters of the vision encoder of a Llama 3.2 Vision model (spec llama32-vision 1.2).</summary>
public sealed record VisionConfig
{
    /// <summary>Width of the encoder, W.</summary>
    public required int Width { get; init; }

    /// <summary>Blocks before the second tile embedding.</summary>
    public required int LocalLayerCount { get; init; }

    /// <summary>Gated blocks behind it.</summary>
    public required int GlobalLayerCount { get; init; }

    /// <summary>Attention heads; they divide the width.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Width of the feed-forward part, F.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>The epsilon inside the square root of LayerNorm.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Side of a tile in pixels, T.</summary>
    public required int TileSize { get; init; }

    /// <summary>Side of a patch in pixels, P; divides T.</summary>
    public required int PatchSize { get; init; }

    /// <summary>Tiles of an image at most.</summary>
    public required int MaxTiles { get; init; }

    /// <summary>The local blocks whose inputs are features beside the output, ascending.</summary>
    public required IReadOnlyList<int> IntermediateLayers { get; init; }

    /// <summary>Tokens of a tile, N: one for the whole and one for each patch.</summary>
    public int TileTokens => TileSize / PatchSize * (TileSize / PatchSize) + 1;

    /// <summary>Values of a token that the projector is given.</summary>
    public int FeatureSize => Width * (1 + IntermediateLayers.Count);

    /// <summary>All blocks.</summary>
    public int LayerCount => LocalLayerCount + GlobalLayerCount;

    /// <summary>The layouts (rows, columns) of tiles in the order of Hugging Face, whose ids count from 1.</summary>
    public IReadOnlyList<(int Rows, int Columns)> AspectRatios => Layouts(MaxTiles);

    internal static IReadOnlyList<(int Rows, int Columns)> Layouts(int maxTiles) =>
    [
        .. from rows in Enumerable.Range(1, maxTiles) from columns in Enumerable.Range(1, maxTiles / rows) select (rows, columns),
    ];

    /// <summary>The encoder of a model, null of a text model. A Hugging Face directory says it in `config.json`, which is all that is read of it.</summary>
    /// <exception cref="CriaException">The model cannot be opened.</exception>
    internal static VisionConfig? Of(string path)
    {
        if (Directory.Exists(path) && !MetaDirectory.Is(path))
            return ModelConfig.Read(Path.Combine(path, "config.json")).Vision;
        using var checkpoint = Checkpoint.Open(path);
        return checkpoint.Config.Vision;
    }

    /// <summary>Checks that the sizes fit together.</summary>
    /// <param name="error">Makes the error of a field from its name here and the problem.</param>
    internal VisionConfig Validated(Func<string, string, CriaException> error)
    {
        if (Width % HeadCount != 0)
            throw error(nameof(HeadCount), $"is {HeadCount}, which does not divide the width {Width}");
        if (TileSize % PatchSize != 0)
            throw error(nameof(TileSize), $"is {TileSize}, no multiple of the patch size {PatchSize}");
        for (var i = 0; i < IntermediateLayers.Count; i++)
            if (IntermediateLayers[i] >= LocalLayerCount || (i > 0 && IntermediateLayers[i] <= IntermediateLayers[i - 1]))
                throw error(nameof(IntermediateLayers), $"are not ascending numbers of {LocalLayerCount} blocks");
        return this;
    }
}
