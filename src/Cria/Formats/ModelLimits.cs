namespace Cria.Formats;

/// <summary>What a configuration may ask for at most, far beyond every model: it bounds what a hostile file can make the engine allocate.</summary>
static class ModelLimits
{
    public const int Width = 1 << 20, Layers = 1024, Heads = 1 << 14, HeadSize = 1 << 12, FeedForward = 1 << 24, Vocabulary = 1 << 24, Tiles = 16, TileSize = 1 << 14;
}
