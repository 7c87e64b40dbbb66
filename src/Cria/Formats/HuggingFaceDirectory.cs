namespace Cria.Formats;

/// <summary>Finds and opens the files of a Hugging Face model directory.</summary>
static class HuggingFaceDirectory
{
    const int MaxShards = 1024;

    /// <summary>The file of the weights, and the one that says which shard has which tensor.</summary>
    public const string Weights = "model.safetensors", Index = "model.safetensors.index.json";

    public static Checkpoint Open(string path)
    {
        if (!Directory.Exists(path))
            throw new CriaException($"{path}: there is no such model");
        CheckKind(path);
        var config = ModelConfig.Read(Path.Combine(path, "config.json"));
        var generation = GenerationDefaults.Read(Path.Combine(path, "generation_config.json"), config);
        var template = ChatTemplateFile.Read(path).Default;
        var files = new List<SafetensorsFile>();
        try
        {
            if (File.Exists(Path.Combine(path, Weights)))
                files.Add(SafetensorsFile.Open(Path.Combine(path, Weights)));
            else
                OpenShards(Path.Combine(path, Index), files);
            var names = TensorNames.HuggingFaceOf(config);
            if (!files.Exists(f => f.Find(names.Embedding) is not null))
                names = TensorNames.HuggingFaceOf(config, asInMemory: true);
            return new Checkpoint(path, config, generation, template, names, files.SelectMany(f => f.Tensors), files,
                config.Vision is null ? null : (role, tensor) => VisionLayout.FromHuggingFace(role, tensor, config));
        }
        catch
        {
            files.ForEach(f => f.Dispose());
            throw;
        }
    }

    /// <summary>Whether a directory holds weights in safetensors.</summary>
    public static bool HasWeights(string path) => File.Exists(Path.Combine(path, Weights)) || File.Exists(Path.Combine(path, Index));

    /// <summary>The files of the weights: the one, or those that the index names.</summary>
    /// <exception cref="CriaException">The index is not valid.</exception>
    public static IEnumerable<string> Files(string path) => File.Exists(Path.Combine(path, Weights)) ? [Path.Combine(path, Weights)]
        : JsonFile.Read(Path.Combine(path, Index), json => json.TextMap("weight_map") ?? throw json.Error("weight_map", "is missing"))
            .Select(m => m.Value).Distinct().Select(name => Path.Combine(path, name));

    static void CheckKind(string path)
    {
        if (!File.Exists(Path.Combine(path, "config.json")))
            throw new CriaException($"{path}: no config.json");
        if (!HasWeights(path))
            throw new CriaException($"{path}: neither {Weights} nor {Index}");
    }

    /// <summary>
    /// Opens every shard the index names, and checks that each holds what the index says. All shards together may have as many
    /// tensors as one file.
    /// </summary>
    static void OpenShards(string index, List<SafetensorsFile> files)
    {
        var map = JsonFile.Read(index, json => json.TextMap("weight_map") ?? throw json.Error("weight_map", "is missing"));
        var shards = new Dictionary<string, SafetensorsFile>();
        foreach (var (tensor, shard) in map)
        {
            if (!shards.TryGetValue(shard, out var file))
            {
                if (!IsPlainName(shard))
                    throw new CriaException($"{index}: weight_map names {OneLine.Quote(shard)}, which is no file name of this directory");
                shards[shard] = file = SafetensorsFile.Open(Path.Combine(Path.GetDirectoryName(index)!, shard));
                files.Add(file);
                if (files.Count > MaxShards || files.Sum(f => f.Tensors.Count) > SafetensorsHeader.MaxTensors)
                    throw new CriaException($"{index}: weight_map names more than {MaxShards} shards or {SafetensorsHeader.MaxTensors} tensors");
            }
            if (file.Find(tensor) is null)
                throw new CriaException($"{file.Path}: no tensor {OneLine.Cut(tensor)}, which the index promises");
        }
    }

    /// <summary>Whether a name is that of a file in the same folder, on any system.</summary>
    public static bool IsPlainName(string name) =>
        name is { Length: > 0 and < 256 } and not ("." or "..") && !name.Any(c => char.IsControl(c) || c is '/' or '\\' or ':');
}
