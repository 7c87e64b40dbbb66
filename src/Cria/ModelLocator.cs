namespace Cria;

/// <summary>Finds the files behind a model's name.</summary>
public static class ModelLocator
{
    /// <summary>The name of the model that ships with Cria.</summary>
    public const string Default = "pocket";

    /// <summary>The path of a model: of an existing file or directory itself, or of the embedded model by its name.</summary>
    /// <exception cref="CriaException">There is no such model.</exception>
    public static string Resolve(string nameOrPath)
    {
        if (Directory.Exists(nameOrPath) || File.Exists(nameOrPath))
            return nameOrPath;
        var embedded = Path.Combine(AppContext.BaseDirectory, "models", Default);
        if (nameOrPath == Default && Directory.Exists(embedded))
            return embedded;
        throw new CriaException($"{nameOrPath}: no such model: neither a file, nor a directory, nor \"{Default}\"");
    }
}
