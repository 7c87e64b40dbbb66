using Cria.Hub;

namespace Cria;

/// <summary>Finds the files behind a model's name. Every command and every `Load` goes through it; it never uses a network.</summary>
public static class ModelLocator
{
    /// <summary>The name of the model that ships with Cria.</summary>
    public const string Default = "pocket";

    /// <summary>Where the model that ships with Cria lies.</summary>
    internal static string Embedded => Path.Combine(AppContext.BaseDirectory, "models", Default);

    /// <summary>The path of a model: of an existing file or directory itself, of a directory whose only model is a GGUF that file, or of one that <see cref="LocalModels.Find()"/> lists by its name.</summary>
    /// <exception cref="CriaException">There is no such model; the message has names near it.</exception>
    public static string Resolve(string nameOrPath) =>
        Directory.Exists(nameOrPath) ? InDirectory(nameOrPath)
        : File.Exists(nameOrPath) ? nameOrPath
        : nameOrPath == Default && Directory.Exists(Embedded) ? Embedded
        : LocalModels.Resolve(nameOrPath, ModelFolders.FromEnvironment());

    static string InDirectory(string path)
    {
        if (File.Exists(Path.Combine(path, "config.json")) || File.Exists(Path.Combine(path, "params.json")))
            return path;
        var files = Directory.EnumerateFiles(path, "*.gguf", new EnumerationOptions { IgnoreInaccessible = true })
            .Where(f => GgufName.Parse(f) is { Part: 1, IsAccessory: false }).Order(StringComparer.Ordinal).ToList();
        return files.Count switch
        {
            0 => path,
            1 => files[0],
            _ => throw new CriaException($"{path}: {files.Count} GGUF files, name one of them: {string.Join(", ", files.Take(5).Select(f => OneLine.Cut(Path.GetFileName(f))))}"),
        };
    }
}
