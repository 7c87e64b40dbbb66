using Cria.Hub;

namespace Cria;

/// <summary>Finds the files behind a model's name. Every command and every `Load` goes through it; it never uses a network.</summary>
public static class ModelLocator
{
    /// <summary>The name of the model that ships with Cria.</summary>
    public const string Default = "pocket";

    /// <summary>Where the model that ships with Cria lies.</summary>
    internal static string Embedded => Path.Combine(AppContext.BaseDirectory, "models", Default);

    /// <summary>The path of a model: of an existing file or directory itself, or of one that <see cref="LocalModels.Find()"/> lists by its name.</summary>
    /// <exception cref="CriaException">There is no such model; the message has names near it.</exception>
    public static string Resolve(string nameOrPath) =>
        Directory.Exists(nameOrPath) || File.Exists(nameOrPath) ? nameOrPath
        : nameOrPath == Default && Directory.Exists(Embedded) ? Embedded
        : LocalModels.Resolve(nameOrPath, ModelFolders.FromEnvironment());
}
