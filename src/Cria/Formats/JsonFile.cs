using System.Text.Json;
using System.Text.Unicode;

namespace Cria.Formats;

/// <summary>Small JSON files of a model directory: limited in size and depth, no name twice in an object.</summary>
static class JsonFile
{
    /// <summary>Far above what models ship; parsing costs up to twelve bytes for each byte of such a file.</summary>
    const int MaxLength = 2 << 20;

    static readonly JsonDocumentOptions Options = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>What `read` makes of the object a file holds.</summary>
    /// <exception cref="CriaException">The file cannot be read, is not such an object, or `read` refuses it.</exception>
    public static T Read<T>(string path, Func<JsonSection, T> read)
    {
        try
        {
            var bytes = ReadBytes(path);
            if (!Utf8.IsValid(bytes))
                throw new CriaException($"{path}: not UTF-8");
            using var document = JsonDocument.Parse(bytes, Options);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new CriaException($"{path}: not a JSON object");
            return read(new JsonSection(path, "", document.RootElement));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new CriaException($"{path}: {OneLine.Show(e)}", e);
        }
    }

    /// <summary>The bytes of a file that must be small.</summary>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            var length = new FileInfo(path).Length;
            return length == 0 ? throw new CriaException($"{path}: empty")
                : length > MaxLength ? throw new CriaException($"{path}: {length} bytes are too many for such a file")
                : File.ReadAllBytes(path);
        }
        catch (FileNotFoundException e)
        {
            throw new CriaException($"{path}: there is no such file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CriaException($"{path}: {e.Message}", e);
        }
    }
}
