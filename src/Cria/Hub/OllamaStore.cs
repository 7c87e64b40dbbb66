using System.Text.Json;
using Cria.Formats;

namespace Cria.Hub;

/// <summary>Ollama's store: `manifests/HOST/NAMESPACE/MODEL/TAG` name blobs by their hashes, and one of them is the model, a GGUF.</summary>
static class OllamaStore
{
    const string ModelLayer = "application/vnd.ollama.image.model";

    static readonly EnumerationOptions Walk = new() { RecurseSubdirectories = true, MaxRecursionDepth = 4, IgnoreInaccessible = true };

    /// <summary>Every tag of the store that has a model of one file; manifests that are none are passed over.</summary>
    public static IEnumerable<LocalModel> List(string store)
    {
        var manifests = Path.Combine(store, "manifests");
        if (!Directory.Exists(manifests))
            yield break;
        foreach (var manifest in Directory.EnumerateFiles(manifests, "*", Walk).Order(StringComparer.Ordinal))
            if (Path.GetRelativePath(manifests, manifest).Split(Path.DirectorySeparatorChar) is { Length: 4 } parts && Blob(store, manifest) is { } blob)
                yield return new(Name(parts), blob, "ollama", ModelFiles.Gguf, Math.Max(ModelFiles.Length(blob), 0));
    }

    /// <summary>As Ollama shows it: without its own registry and its own namespace.</summary>
    static string Name(string[] parts) => parts switch
    {
        ["registry.ollama.ai", "library", var model, var tag] => $"{model}:{tag}",
        ["registry.ollama.ai", var space, var model, var tag] => $"{space}/{model}:{tag}",
        [var host, var space, var model, var tag] => $"{host}/{space}/{model}:{tag}",
        _ => string.Join('/', parts),
    };

    static string? Blob(string store, string manifest)
    {
        try
        {
            using var json = JsonDocument.Parse(JsonFile.ReadBytes(manifest));
            var digests = json.RootElement.GetProperty("layers").EnumerateArray()
                .Where(l => l.GetProperty("mediaType").GetString() == ModelLayer).Select(l => l.GetProperty("digest").GetString()).ToList();
            return digests is [{ Length: 71 } digest] && digest.StartsWith("sha256:", StringComparison.Ordinal) && digest.AsSpan(7).IndexOfAnyExcept("0123456789abcdef") < 0
                ? Path.Combine(store, "blobs", digest.Replace(':', '-')) : null;
        }
        catch (Exception e) when (e is CriaException or JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }
}
