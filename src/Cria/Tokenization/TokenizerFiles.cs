using System.Text.Json;

namespace Cria.Tokenization;

/// <summary>Finds a vocabulary file, tells its format by its first byte, and turns everything that is wrong with it into one error.</summary>
static class TokenizerFiles
{
    /// <summary>The largest real file, Llama 3's tokenizer.json with merges as pairs, has 17 MB.</summary>
    const long MaxFile = 32 << 20;

    public static bool IsIn(string path) => !Directory.Exists(path) || Inside(path) is not null;

    public static Tokenizer Load(string path)
    {
        if (Directory.Exists(path))
            path = Inside(path) ?? throw new CriaException($"{path}: no tokenizer.json and no tokenizer.model");
        byte[] bytes;
        try
        {
            var length = new FileInfo(path).Length;
            if (length is 0 or > MaxFile) // a device has length 0 and may never end
                throw new CriaException($"{path}: {length} bytes are {(length == 0 ? "no vocabulary" : "too many for a vocabulary")}");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CriaException($"{path}: {e.Message}", e);
        }
        try
        {
            var first = bytes.AsSpan().IndexOfAnyExcept(" \t\r\n"u8);
            return first >= 0 && bytes[first] == '{' ? TokenizerJsonFile.Read(bytes) : TokenizerModelFile.Read(bytes);
        }
        catch (CriaException e)
        {
            throw new CriaException($"{path}: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CriaException($"{path}: {OneLine.Show(e)}", e);
        }
    }

    static string? Inside(string directory) =>
        new[] { "tokenizer.json", "tokenizer.model" }.Select(f => Path.Combine(directory, f)).FirstOrDefault(File.Exists);
}
