using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// A model on disk, mapped and checked: the configuration, and the tensor of every role with the shape the configuration asks for.
/// Opening reads no weights. Safe from any number of threads until it is disposed.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    readonly IReadOnlyList<SafetensorsFile> _files;
    readonly Dictionary<(TensorRole Role, int Layer), Tensor> _roles = [];
    bool _disposed;

    internal Checkpoint(string path, ModelConfig config, GenerationDefaults generation, string? chatTemplate, IReadOnlyList<SafetensorsFile> files)
    {
        (Path, Config, Generation, ChatTemplate, _files) = (path, config, generation, chatTemplate, files);
        var byName = new Dictionary<string, Tensor>();
        foreach (var tensor in files.SelectMany(f => f.Tensors))
            if (!byName.TryAdd(tensor.Name, tensor))
                throw new CriaException($"{tensor.File}: duplicate tensor {OneLine.Cut(tensor.Name)}, also in {byName[tensor.Name].File}");
        foreach (var (role, layer) in TensorRoles.All(config))
            _roles.Add((role, layer), Bind(byName, role, layer));
        if (config.TiedEmbeddings)
            _roles.Add((TensorRole.Output, 0), _roles[(TensorRole.Embedding, 0)]);
        var rest = byName.Values.Except(_roles.Values).OrderBy(t => t.Name, StringComparer.Ordinal).ToList();
        CheckRest(rest);
        Tensors = [.. _roles.Values.Distinct(), .. rest];
        ParameterCount = _roles.Values.Distinct().Sum(t => t.Count);
    }

    /// <summary>Opens a Hugging Face directory: `config.json` and `model.safetensors` or its shards.</summary>
    /// <exception cref="CriaException">There is no such model, a file is not valid, or a tensor is missing or has a wrong shape.</exception>
    public static Checkpoint Open(string path) => HuggingFaceDirectory.Open(path);

    /// <summary>The directory.</summary>
    public string Path { get; }

    /// <summary>The hyperparameters.</summary>
    public ModelConfig Config { get; }

    /// <summary>How the model wants to be sampled, and its end tokens.</summary>
    public GenerationDefaults Generation { get; }

    /// <summary>The Jinja source of the model's chat template, or null.</summary>
    public string? ChatTemplate { get; }

    /// <summary>Every tensor of the files once: the roles from the embedding to the output, then those without a role.</summary>
    public IReadOnlyList<Tensor> Tensors { get; }

    /// <summary>Elements of all roles' tensors, a tied matrix once.</summary>
    public long ParameterCount { get; }

    /// <summary>The tensor of a role: F32, F16 or BF16, of the shape that <see cref="TensorRole"/> names.</summary>
    /// <param name="role">The role; the output of a tied model is its embedding.</param>
    /// <param name="layer">The block, from 0; 0 for roles outside the blocks.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such block.</exception>
    /// <exception cref="ObjectDisposedException">The checkpoint is closed.</exception>
    public Tensor Get(TensorRole role, int layer = 0)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _roles.TryGetValue((role, layer), out var tensor) ? tensor
            : throw new ArgumentOutOfRangeException(nameof(layer), $"{role} of layer {layer} of {Config.LayerCount}");
    }

    /// <summary>Unmaps all files; tensors can no longer be read.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (var file in _files)
            file.Dispose();
    }

    Tensor Bind(Dictionary<string, Tensor> byName, TensorRole role, int layer)
    {
        var name = TensorRoles.HuggingFaceName(role, layer);
        if (!byName.TryGetValue(name, out var tensor))
            throw new CriaException($"{Path}: no tensor {name}");
        var shape = TensorRoles.Shape(role, Config);
        if (!tensor.Shape.SequenceEqual(shape))
            throw new CriaException($"{tensor.File}: {name} has shape {tensor.ShapeText}, config.json asks for [{string.Join(", ", shape)}]");
        return tensor.Type is ElementType.F32 or ElementType.F16 or ElementType.BF16 ? tensor
            : throw new CriaException($"{tensor.File}: {name} has dtype {tensor.Type.SafetensorsName()}, only F32, F16 and BF16 weights are supported");
    }

    /// <summary>A block beyond the configuration's last or a bias would change the result if it were left out.</summary>
    static void CheckRest(List<Tensor> tensors)
    {
        foreach (var tensor in tensors)
            if (!tensor.Name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal)
                && (tensor.Name.StartsWith("model.layers.", StringComparison.Ordinal) || tensor.Name.EndsWith(".bias", StringComparison.Ordinal)))
                throw new CriaException($"{tensor.File}: {OneLine.Cut(tensor.Name)} has no place in the model of config.json");
    }
}
