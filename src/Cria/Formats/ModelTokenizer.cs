using Cria.Tokenization;

namespace Cria.Formats;

/// <summary>The tokenizer of a model in any format.</summary>
public static class ModelTokenizer
{
    /// <summary>Reads a GGUF file, `tokenizer.model`, `tokenizer.json`, or a directory that holds one of the last two (`tokenizer.json` first).</summary>
    /// <exception cref="CriaException">There is no such file, or it holds no such vocabulary.</exception>
    public static Tokenizer Load(string path) => GgufFile.Is(path) ? Read(path) ?? throw new CriaException($"{path}: no tokenizer.ggml.model") : Tokenizer.Load(path);

    /// <summary>As <see cref="Load"/>; null for a GGUF file without a vocabulary and for a directory that holds neither file.</summary>
    /// <exception cref="CriaException">The vocabulary is not valid.</exception>
    public static Tokenizer? LoadIfPresent(string path) => GgufFile.Is(path) ? Read(path) : Tokenizer.LoadIfPresent(path);

    static Tokenizer? Read(string path)
    {
        using var file = GgufFile.Open(path);
        return GgufTokenizer.Read(file);
    }
}
