namespace Cria.Hub;

/// <summary>Finds the models under a folder by the names of their files.</summary>
static class ModelFiles
{
    public const string Gguf = "gguf", Safetensors = "safetensors", Meta = "meta", Adapter = "adapter";

    /// <summary>Hugging Face and LM Studio nest two levels at most; a link may lead back, so the walk is bounded.</summary>
    static readonly EnumerationOptions Walk = new() { RecurseSubdirectories = true, MaxRecursionDepth = 4, IgnoreInaccessible = true };

    /// <summary>Relative is the path inside the folder with `/`, of a GGUF its stem, "" for the folder itself; Path is what opens the model.</summary>
    public readonly record struct Found(string Relative, string Path, string Format, long Bytes);

    /// <summary>Every model, and every LoRA adapter in PEFT's form, under a folder in the order of their paths; of a split GGUF one entry. Nothing where there is no such folder.</summary>
    public static IEnumerable<Found> Under(string folder)
    {
        if (!Directory.Exists(folder))
            yield break;
        foreach (var directory in Directory.EnumerateFiles(folder, "*", Walk).GroupBy(f => Path.GetDirectoryName(f)!).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var names = directory.Select(f => Path.GetFileName(f)).ToHashSet();
            var relative = Path.GetRelativePath(folder, directory.Key).Replace(Path.DirectorySeparatorChar, '/');
            relative = relative == "." ? "" : relative;
            if (names.Contains("config.json") && names.Any(n => n is "model.safetensors" or "model.safetensors.index.json"))
                yield return new(relative, directory.Key, Safetensors, Sum(directory.Where(f => f.EndsWith(".safetensors", StringComparison.Ordinal))));
            else if (names.Contains("params.json") && names.Contains("consolidated.00.pth"))
                yield return new(relative, directory.Key, Meta, Sum(directory.Where(f => f.EndsWith(".pth", StringComparison.Ordinal))));
            else if (names.Contains("adapter_config.json") && names.Contains("adapter_model.safetensors"))
                yield return new(relative, directory.Key, Adapter, Sum([Path.Combine(directory.Key, "adapter_model.safetensors")]));
            foreach (var file in names.Order(StringComparer.Ordinal))
                if (GgufName.Parse(file) is { Part: 1, IsAccessory: false } name)
                    yield return new(relative is "" ? name.Stem : $"{relative}/{name.Stem}", Path.Combine(directory.Key, file), Gguf,
                        Sum(name.Files.Select(f => Path.Combine(directory.Key, f))));
        }
    }

    /// <summary>
    /// Names the models of one repository: its own name for a directory at its root, `NAME:FOLDER` for others, `NAME:TYPE` for a GGUF and
    /// `NAME:FILE` where the type does not tell it from another.
    /// </summary>
    public static IEnumerable<LocalModel> OfRepository(string name, string revision, string folder, string source)
    {
        var found = Under(folder).ToList();
        var types = found.Where(f => f.Format == Gguf).Select(f => GgufName.Parse(f.Path)!.Type).CountBy(t => t ?? "").ToDictionary();
        foreach (var model in found)
        {
            var part = model.Format != Gguf ? model.Relative
                : GgufName.Parse(model.Path)!.Type is { } type && types[type] == 1 ? type
                : Path.GetRelativePath(folder, model.Path).Replace(Path.DirectorySeparatorChar, '/');
            yield return new(name + (part is "" ? "" : ":" + part) + revision, model.Path, source, model.Format, model.Bytes);
        }
    }

    /// <summary>The length of a file behind its links; -1 where it cannot be opened.</summary>
    public static long Length(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return RandomAccess.GetLength(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return -1;
        }
    }

    /// <summary>The length of those of some files that can be opened.</summary>
    public static long Sum(IEnumerable<string> files) => files.Sum(f => Math.Max(Length(f), 0));
}
