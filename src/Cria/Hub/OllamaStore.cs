using Cria.Formats;

namespace Cria.Hub;

/// <summary>The models of Ollama's store by the names that Ollama shows.</summary>
static class OllamaStore
{
    /// <summary>Every tag of the store that has a model of one file, beside which its image encoder may lie in another.</summary>
    public static IEnumerable<LocalModel> List(string store)
    {
        foreach (var manifest in OllamaManifest.Find(store))
            if (Path.GetRelativePath(Path.Combine(store, "manifests"), manifest.Path).Split(Path.DirectorySeparatorChar) is { Length: 4 } parts)
                yield return new(Name(parts), manifest.Model, "ollama", ModelFiles.Gguf, ModelFiles.Sum(manifest.Files));
    }

    /// <summary>Without Ollama's own registry and its own namespace.</summary>
    static string Name(string[] parts) => parts switch
    {
        ["registry.ollama.ai", "library", var model, var tag] => $"{model}:{tag}",
        ["registry.ollama.ai", var space, var model, var tag] => $"{space}/{model}:{tag}",
        [var host, var space, var model, var tag] => $"{host}/{space}/{model}:{tag}",
        _ => string.Join('/', parts),
    };
}
