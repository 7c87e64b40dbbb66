namespace Cria.Hub;

/// <summary>The models that are on this machine already. Looks at folders only, never at a network.</summary>
public static class LocalModels
{
    /// <summary>
    /// The embedded model, then those of the folders of CRIA_MODELS, the Hugging Face cache, Ollama's store and LM Studio's folders.
    /// Names are unique: of two equal ones the later has its source before it, as in `lmstudio/ORG/NAME:TYPE`.
    /// </summary>
    public static IReadOnlyList<LocalModel> Find() => Find(ModelFolders.FromEnvironment());

    internal static IReadOnlyList<LocalModel> Find(ModelFolders folders)
    {
        var models = new List<LocalModel>();
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        IEnumerable<IEnumerable<LocalModel>> sources =
            [Embedded(), .. folders.Plain.Select(PlainFolder), new HuggingFaceCache(folders.HuggingFace).List(), .. folders.Ollama.Select(OllamaStore.List), .. folders.LmStudio.Select(LmStudioFolder)];
        foreach (var model in sources.SelectMany(Readable).Where(m => !m.Name.Any(char.IsControl))) // a terminal would obey them
            if (names.Add(model.Name))
                models.Add(model);
            else if (names.Add($"{model.Source}/{model.Name}"))
                models.Add(model with { Name = $"{model.Source}/{model.Name}" });
        return models;
    }

    /// <summary>The path of the model of a name; `ORG/NAME` and `NAME` do for the only model or the tag `latest` under them.</summary>
    /// <exception cref="CriaException">There is none, or several.</exception>
    internal static string Resolve(string name, ModelFolders folders)
    {
        var models = Find(folders);
        if ((models.FirstOrDefault(m => m.Name == name) ?? models.FirstOrDefault(m => Same(m.Name, name) || Same(m.Name, name + ":latest"))) is { } model)
            return model.Path;
        var parts = models.Where(m => m.Name.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).ToList();
        return parts switch
        {
            [var only] => only.Path,
            [] => throw new CriaException($"{OneLine.Cut(name)}: no such model: no file, no directory and no name of `cria models`{Advice(name, models)}"),
            _ => throw new CriaException($"{OneLine.Cut(name)}: which one? {string.Join(", ", parts.Select(m => m.Name))}"),
        };
    }

    /// <summary>Names like the one asked for, and for one that a hub may have how to get it.</summary>
    static string Advice(string name, IReadOnlyList<LocalModel> models)
    {
        const int Most = 3;
        var near = models.Select(m => (m.Name, Distance: NameDistance.Between(name, m.Name))).Where(m => m.Distance < NameDistance.Far)
            .OrderBy(m => m.Distance).Take(Most).Select(m => m.Name).ToList();
        return (near.Count > 0 ? "; near it: " + string.Join(", ", near) : "") + (HubName.TryParse(name) is { } ? $"; `cria pull {name}` downloads it" : "");
    }

    /// <summary>What a source lists; nothing where the user may not look into it or it changes meanwhile.</summary>
    static List<LocalModel> Readable(IEnumerable<LocalModel> source)
    {
        try
        {
            return [.. source];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    static bool Same(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);

    static IEnumerable<LocalModel> Embedded() => ModelFiles.Under(ModelLocator.Embedded)
        .Where(m => m.Relative is "").Select(m => new LocalModel(ModelLocator.Default, m.Path, "cria", m.Format, m.Bytes));

    static IEnumerable<LocalModel> PlainFolder(string folder) => ModelFiles.Under(folder)
        .Select(m => new LocalModel(m.Relative is "" ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))) : m.Relative, m.Path, "folder", m.Format, m.Bytes));

    /// <summary>PUBLISHER/MODEL/FILES.</summary>
    static IEnumerable<LocalModel> LmStudioFolder(string folder)
    {
        if (!Directory.Exists(folder))
            yield break;
        foreach (var publisher in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
            foreach (var repository in Directory.EnumerateDirectories(publisher).Order(StringComparer.Ordinal))
                foreach (var model in ModelFiles.OfRepository($"{Path.GetFileName(publisher)}/{Path.GetFileName(repository)}", "", repository, "lmstudio"))
                    yield return model;
    }
}
