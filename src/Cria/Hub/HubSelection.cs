namespace Cria.Hub;

/// <summary>Which files of a repository make the model that is asked for.</summary>
static class HubSelection
{
    static readonly string[] WeightEndings = [".safetensors", ".gguf", ".bin", ".pth", ".pt", ".h5", ".msgpack", ".onnx", ".pte"];

    /// <summary>
    /// Without a selector: the transformers model at the root (weights as safetensors, once), else the only GGUF, else Meta's files. A
    /// selector is a file, a folder, or the type of a GGUF's weights; of a split GGUF all parts come.
    /// </summary>
    /// <exception cref="CriaException">Nothing fits, or several do; the message lists what there is.</exception>
    public static IReadOnlyList<string> Choose(HubName name, IReadOnlyCollection<string> files)
    {
        var ggufs = files.Select(f => (File: f, Name: GgufName.Parse(f))).Where(f => f.Name is { Part: 1, IsAccessory: false }).Select(f => (f.File, Name: f.Name!)).ToList();
        if (name.Selector is { } selector)
            return Selected(name, selector, files, ggufs);
        if (Transformers(files) is { Count: > 0 } transformers)
            return transformers;
        if (ggufs is [var only])
            return Parts(name, only.Name, files);
        if (ggufs.Count > 0)
            throw Choice(name, "holds several models", ggufs);
        if (files.Contains("params.json") && files.Contains("consolidated.00.pth"))
            return [.. files.Where(f => !f.Contains('/') && (f is "params.json" or "tokenizer.model" || f.StartsWith("consolidated.", StringComparison.Ordinal)))];
        if (files.Contains("original/params.json"))
            return Selected(name, "original", files, ggufs);
        throw new CriaException($"{name.Repository}: holds no safetensors, GGUF or Meta checkpoint, only {Some(files)}");
    }

    static IReadOnlyList<string> Selected(HubName name, string selector, IReadOnlyCollection<string> files, List<(string File, GgufName Name)> ggufs)
    {
        if (files.Contains(selector))
            return GgufName.Parse(selector) is { Count: > 1 } split ? Parts(name, split, files) : [selector];
        var typed = ggufs.Where(g => g.Name.Type is { } type && type.Equals(selector, StringComparison.OrdinalIgnoreCase)
            || Path.GetFileName(g.Name.Stem).Equals(selector, StringComparison.OrdinalIgnoreCase)).ToList();
        if (typed is [var one])
            return Parts(name, one.Name, files);
        if (typed.Count > 1)
            throw new CriaException($"{name.Repository}:{selector}: which one? {Some(typed.Select(g => g.File))}");
        var folder = files.Where(f => f.StartsWith(selector + "/", StringComparison.Ordinal)).ToList();
        return folder.Count > 0 ? folder
            : ggufs.Count > 0 ? throw Choice(name, $"holds no {OneLine.Cut(selector)}", ggufs)
            : throw new CriaException($"{name.Repository}: holds no {OneLine.Cut(selector)}; it has {Some(files)}");
    }

    /// <summary>The files at the root that a transformers model consists of: not the same weights again in another form, no pictures.</summary>
    static List<string> Transformers(IReadOnlyCollection<string> files)
    {
        var root = files.Where(f => !f.Contains('/')).ToList();
        var weights = root.Where(f => f.EndsWith(".safetensors", StringComparison.Ordinal)).ToList();
        if (weights.Count == 0 || !root.Exists(f => f is "config.json" or "adapter_config.json"))
            return [];
        if (weights.Exists(f => f.StartsWith("model", StringComparison.Ordinal)))
            weights.RemoveAll(f => !f.StartsWith("model", StringComparison.Ordinal)); // consolidated.safetensors is the model again
        return [.. weights, .. root.Where(f => f.EndsWith(".json", StringComparison.Ordinal) && !IsIndexOfOthers(f)
            || f.EndsWith(".jinja", StringComparison.Ordinal) || f is "tokenizer.model" or "merges.txt" or "vocab.txt")];
    }

    /// <summary>pytorch_model.bin.index.json and its like.</summary>
    static bool IsIndexOfOthers(string file) => file.EndsWith(".index.json", StringComparison.Ordinal) && !file.EndsWith(".safetensors.index.json", StringComparison.Ordinal);

    static List<string> Parts(HubName name, GgufName model, IReadOnlyCollection<string> files)
    {
        var parts = model.Files.ToList();
        return parts.Find(p => model.Count > 1 && !files.Contains(p)) is { } missing ? throw new CriaException($"{name.Repository}: {missing} is missing")
            : model.Count > 1 ? parts : [.. files.Where(f => GgufName.Parse(f)?.Stem == model.Stem)];
    }

    static CriaException Choice(HubName name, string what, List<(string File, GgufName Name)> ggufs)
    {
        var types = ggufs.CountBy(g => g.Name.Type ?? "").ToDictionary();
        return new($"{name.Repository}: {what}; choose one of {Some(ggufs.Select(g => $":{(g.Name.Type is { } type && types[type] == 1 ? type : g.File)}"))}");
    }

    static string Some(IEnumerable<string> names)
    {
        const int Most = 40;
        var all = names.OrderBy(n => WeightEndings.Any(n.EndsWith) ? 0 : 1).ThenBy(n => n, StringComparer.Ordinal).ToList();
        return OneLine.Clean(string.Join(", ", all.Take(Most))) + (all.Count > Most ? $" and {all.Count - Most} more" : "");
    }
}
