using System.Text.Json;

namespace Cria.Formats;

/// <summary>
/// A manifest of Ollama's store, `manifests/HOST/NAMESPACE/MODEL/TAG`: it names files of `blobs` by their hashes. One of them is the model, a GGUF, and of a
/// vision model of the time when its encoder was a file of its own another is that.
/// </summary>
sealed class OllamaManifest
{
    const string ModelLayer = "application/vnd.ollama.image.model", EncoderLayer = "application/vnd.ollama.image.projector", Blobs = "blobs";

    static readonly EnumerationOptions Walk = new() { RecurseSubdirectories = true, MaxRecursionDepth = 4, IgnoreInaccessible = true };

    readonly string _store;
    readonly List<string?> _encoders;

    OllamaManifest(string store, string path, string model, List<string?> encoders) =>
        (_store, Path, Model, _encoders) = (store, path, Blob(store, model), encoders);

    /// <summary>The manifest itself.</summary>
    public string Path { get; }

    /// <summary>The model's file.</summary>
    public string Model { get; }

    /// <summary>The files of the weights, as far as the manifest names them rightly.</summary>
    public IEnumerable<string> Files => [Model, .. _encoders.Where(IsDigest).Select(digest => Blob(_store, digest!))];

    /// <summary>The encoder's file; null where the manifest names none.</summary>
    /// <exception cref="CriaException">It names several, or something that is no hash.</exception>
    public string? Encoder => _encoders switch
    {
        [] => null,
        [{ } digest] when IsDigest(digest) => Blob(_store, digest),
        [var digest] => throw new CriaException($"{Path}: the digest of the projector is {OneLine.Quote(digest ?? "")}, not the SHA-256 of a blob"),
        _ => throw new CriaException($"{Path}: {_encoders.Count} projectors, and a model has one"),
    };

    /// <summary>The manifests of a store that name a model of one file, in the order of their paths; others are passed over.</summary>
    public static IEnumerable<OllamaManifest> Find(string store)
    {
        var manifests = System.IO.Path.Combine(store, "manifests");
        return !Directory.Exists(manifests) ? []
            : Directory.EnumerateFiles(manifests, "*", Walk).Order(StringComparer.Ordinal).Select(path => Read(store, path)).OfType<OllamaManifest>();
    }

    /// <summary>The file of the encoder that belongs to a vision model's, which has it not; null where that lies in no store, or no manifest names one.</summary>
    /// <exception cref="CriaException">A manifest names it wrongly, or several name different ones.</exception>
    public static string? EncoderOf(string model)
    {
        var blobs = new FileInfo(model).Directory;
        if (blobs is not { Name: Blobs, Parent: { } store })
            return null;
        var encoders = Find(store.FullName).Where(m => System.IO.Path.GetFileName(m.Model) == System.IO.Path.GetFileName(model)).Select(m => m.Encoder).OfType<string>().Distinct().ToList();
        return encoders.Count <= 1 ? encoders.FirstOrDefault()
            : throw new CriaException($"{model}: manifests of the store name {encoders.Count} projectors for it, {System.IO.Path.GetFileName(encoders[0])} and others");
    }

    static OllamaManifest? Read(string store, string path)
    {
        try
        {
            using var json = JsonDocument.Parse(JsonFile.ReadBytes(path));
            var layers = json.RootElement.GetProperty("layers").EnumerateArray().Select(l => (Type: l.GetProperty("mediaType").GetString(), Digest: l.GetProperty("digest").GetString())).ToList();
            return layers.FindAll(l => l.Type == ModelLayer) is [var model] && IsDigest(model.Digest)
                ? new(store, path, model.Digest!, [.. layers.Where(l => l.Type == EncoderLayer).Select(l => l.Digest)]) : null;
        }
        catch (Exception e) when (e is CriaException or JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    static bool IsDigest(string? digest) => digest is { Length: 71 } && digest.StartsWith("sha256:", StringComparison.Ordinal) && digest.AsSpan(7).IndexOfAnyExcept("0123456789abcdef") < 0;

    static string Blob(string store, string digest) => System.IO.Path.Combine(store, Blobs, digest.Replace(':', '-'));
}
