using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Cria.Images;
using Microsoft.Extensions.AI;

namespace Cria.Cli.Commands;

/// <summary>How every command reads files, the JSON in them, and lists of ids.</summary>
static class Input
{
    /// <summary>A property of a given kind; a missing one gives null.</summary>
    public static JsonElement? Get(this JsonElement element, string name, params ReadOnlySpan<JsonValueKind> kinds)
    {
        if (!element.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return kinds.Contains(value.ValueKind) ? value
            : throw new CriaException($"{name} is of type {value.ValueKind.ToString().ToLowerInvariant()}");
    }

    public static bool GetFlag(this JsonElement element, string name) =>
        element.Get(name, JsonValueKind.True, JsonValueKind.False)?.GetBoolean() ?? false;

    public static string? GetText(this JsonElement element, string name) => element.Get(name, JsonValueKind.String)?.GetString();

    /// <summary>The texts of a list; none where it is missing.</summary>
    public static string[] GetTexts(this JsonElement element, string name) => [.. element.GetList(name).Select(item =>
        item.ValueKind == JsonValueKind.String ? item.GetString()! : throw new CriaException($"{name} holds more than texts"))];

    /// <summary>The elements of a list; none where it is missing.</summary>
    public static IEnumerable<JsonElement> GetList(this JsonElement element, string name) => element.Get(name, JsonValueKind.Array)?.EnumerateArray().AsEnumerable() ?? [];

    /// <summary>Comma-separated integers.</summary>
    public static int[] ParseIds(string text, string what)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return [.. parts.Select(p => int.TryParse(p, out var id) ? id : throw new CriaException($"{what}: \"{(p.Length > 40 ? p[..40] : p)}\" is no integer"))];
    }

    /// <summary>What a JSON file holds; an error names the file. A byte order mark is passed over.</summary>
    public static T ReadJson<T>(string file, Func<JsonElement, T> read)
    {
        try
        {
            ReadOnlyMemory<byte> bytes = File.ReadAllBytes(file);
            using var document = JsonDocument.Parse(bytes.Span.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is CriaException or JsonException or InvalidOperationException)
        {
            throw new CriaException($"{file}: {e.Message}", e);
        }
    }

    /// <summary>A file's text as UTF-8 exactly: no byte order mark is taken off, no line end changed.</summary>
    public static string ReadText(string file)
    {
        var bytes = File.ReadAllBytes(file);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw new CriaException($"{file}: not UTF-8");
    }

    /// <summary>An image by its file's name, for a chat client; what it holds is looked at when it is read.</summary>
    public static DataContent ReadImage(string file) => new(ImageDecoder.ReadFile(file).ToArray(), "image/*") { Name = file };

    /// <summary>The lines of a UTF-8 file.</summary>
    public static IEnumerable<string> ReadLines(string file)
    {
        using var reader = new StringReader(ReadText(file));
        while (reader.ReadLine() is { } line)
            yield return line;
    }
}
