namespace Cria.Formats;

/// <summary>The size of a vision model's tiles and how many an image may have, from the configuration of its directory or file.</summary>
static class TileShape
{
    const int MaxSize = 4096, MaxTiles = 64;

    /// <exception cref="CriaException">The configuration cannot be read, or is none of a vision model.</exception>
    public static (int TileSize, int MaxTiles) Read(string path)
    {
        if (File.Exists(path))
        {
            using var file = GgufFile.Open(path);
            return (file.Integer("mllama.vision.image_size", 1, MaxSize) ?? throw new CriaException($"{path}: the model takes no images, it has no mllama.vision.image_size"),
                file.Integer("mllama.vision.max_num_tiles", 1, MaxTiles) ?? 4);
        }
        if (MetaDirectory.Is(path))
            return JsonFile.Read(Path.Combine(path, "params.json"), json =>
                (json.Integer("vision_chunk_size", 1, MaxSize) ?? throw json.Error("vision_chunk_size", "is missing: the model takes no images"),
                    json.Integer("vision_max_num_chunks", 1, MaxTiles) ?? 4));
        return JsonFile.Read(Path.Combine(path, "config.json"), json => json.Section("vision_config") is { } vision
            ? (vision.Integer("image_size", 1, MaxSize) ?? 448, vision.Integer("max_num_tiles", 1, MaxTiles) ?? 4)
            : throw json.Error("vision_config", "is missing: the model takes no images"));
    }
}
