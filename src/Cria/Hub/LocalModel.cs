using Cria.Formats;

namespace Cria.Hub;

/// <summary>A model on this machine, by the name that every command and `Load` take.</summary>
/// <param name="Name">`pocket`, `ORG/NAME`, `ORG/NAME:TYPE`, `llama3.2:1b`, or of a plain folder the path inside it.</param>
/// <param name="Path">The directory, or the GGUF file; of a split model its first.</param>
/// <param name="Source">cria, huggingface, ollama, lmstudio, or folder.</param>
/// <param name="Format">safetensors, gguf, meta, or adapter for what goes beside a model.</param>
/// <param name="Bytes">Bytes of the weights.</param>
public sealed record LocalModel(string Name, string Path, string Source, string Format, long Bytes)
{
    /// <summary>Why Cria cannot run it: another architecture, or files that are missing or damaged. Null if it looks right; reads no weights.</summary>
    public string? FindProblem()
    {
        try
        {
            switch (Format)
            {
                case ModelFiles.Gguf:
                    if (GgufName.Parse(Path)?.Files.FirstOrDefault(f => ModelFiles.Length(f) < 0) is { } missing)
                        return $"{missing}: there is no such file";
                    using (var file = GgufFile.Open(Path))
                        return GgufModel.EncoderOf(file) is { } encoder && ModelFiles.Length(encoder) < 0 ? $"{encoder}: there is no such file" : null;
                case ModelFiles.Safetensors:
                    _ = ModelConfig.Read(System.IO.Path.Combine(Path, "config.json"));
                    return HuggingFaceDirectory.Files(Path).FirstOrDefault(f => ModelFiles.Length(f) < 0) is { } shard ? $"{shard}: there is no such file" : null;
                default:
                    return null;
            }
        }
        catch (Exception e) when (e is CriaException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
