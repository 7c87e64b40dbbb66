using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// A model on disk, mapped and checked: the configuration, and the tensor of every role with the shape the configuration asks for.
/// Opening reads no weights. Safe from any number of threads until it is disposed.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    readonly IReadOnlyList<IDisposable> _files;
    readonly Dictionary<(TensorRole Role, int Layer), Tensor> _roles = [];
    readonly Dictionary<(TensorRole Role, int Layer, string Part), Tensor> _parts = [];
    bool _disposed;

    /// <param name="path">The file or directory.</param>
    /// <param name="config">The hyperparameters.</param>
    /// <param name="generation">How the model wants to be sampled.</param>
    /// <param name="chatTemplate">The source of its chat template.</param>
    /// <param name="names">What the tensors are called.</param>
    /// <param name="tensors">All of the files.</param>
    /// <param name="files">What is disposed with it.</param>
    /// <param name="layout">Makes of the tensor of a role what <see cref="TensorRole"/> describes; null where it is that.</param>
    internal Checkpoint(string path, ModelConfig config, GenerationDefaults generation, string? chatTemplate, TensorNames names,
        IEnumerable<Tensor> tensors, IReadOnlyList<IDisposable> files, Func<TensorRole, Tensor, Tensor>? layout = null)
    {
        (Path, Config, Generation, ChatTemplate, _files) = (path, config, generation, chatTemplate, files);
        var byName = new Dictionary<string, Tensor>();
        foreach (var tensor in tensors)
            if (!byName.TryAdd(tensor.Name, tensor))
                throw new CriaException($"{tensor.File}: duplicate tensor {OneLine.Cut(tensor.Name)}, also in {byName[tensor.Name].File}");
        var bound = new HashSet<Tensor>();
        foreach (var (role, layer) in TensorRoles.All(config))
        {
            var shape = TensorRoles.Shape(role, config);
            var stored = Find(byName, names.Of(role, layer));
            bound.Add(stored);
            _roles.Add((role, layer), Checked(layout is null ? stored : layout(role, stored), shape, config.Quantization is null || shape.Length == 1 ? null : ElementType.I8));
            foreach (var (part, partShape) in config.Quantization?.Parts(role, config) ?? [])
                _parts.Add((role, layer, part), Checked(Find(byName, names.PartOf(role, layer, part)), partShape, part == MetaQuantization.Scales ? ElementType.F32 : null));
        }
        if (config.TiedEmbeddings)
            _roles.Add((TensorRole.Output, 0), _roles[(TensorRole.Embedding, 0)]);
        var rest = byName.Values.Except(bound).Except(_parts.Values).OrderBy(t => t.Name, StringComparer.Ordinal).ToList();
        if (rest.Find(t => !names.MayBeLeftOut(t.Name)) is { } extra)
            throw new CriaException($"{extra.File}: {OneLine.Cut(extra.Name)} has no place in the model of the configuration");
        Tensors = [.. bound, .. _parts.Values, .. rest];
        ParameterCount = bound.Sum(t => t.Count);
    }

    /// <summary>
    /// Opens a GGUF file (of several, the first), a Hugging Face directory (`config.json` and `model.safetensors` or its shards), or
    /// Meta's (`params.json` and `consolidated.00.pth` with its other shards); of a directory that holds both, the Hugging Face files.
    /// </summary>
    /// <exception cref="CriaException">There is no such model, a file is not valid, or a tensor is missing or has a wrong shape.</exception>
    public static Checkpoint Open(string path) => File.Exists(path) ? GgufModel.Open(path)
        : MetaDirectory.Is(path) ? MetaDirectory.Open(path) : HuggingFaceDirectory.Open(path);

    /// <summary>The file or directory.</summary>
    public string Path { get; }

    /// <summary>The hyperparameters.</summary>
    public ModelConfig Config { get; }

    /// <summary>How the model wants to be sampled, and its end tokens.</summary>
    public GenerationDefaults Generation { get; }

    /// <summary>The Jinja source of the model's chat template, or null.</summary>
    public string? ChatTemplate { get; }

    /// <summary>Every tensor of the files once: the roles from the embedding on, then those without a role.</summary>
    public IReadOnlyList<Tensor> Tensors { get; }

    /// <summary>Elements of all roles' tensors as they are stored, a tied matrix once.</summary>
    public long ParameterCount { get; }

    /// <summary>The tensor of a role: F32, F16, BF16 or, of a matrix, blocks or I8 (<see cref="ModelConfig.Quantization"/>); of the shape that <see cref="TensorRole"/> names.</summary>
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

    /// <summary>The type that stands for the model's: that of the first query projection.</summary>
    internal ElementType MatrixType => Get(TensorRole.Query, Enumerable.Range(0, Config.LayerCount).First(layer => !Config.CrossAttentionLayers.Contains(layer))).Type;

    /// <summary>A tensor that belongs to a matrix of a quantized model.</summary>
    internal Tensor Part(TensorRole role, int layer, string part) => _parts[(role, layer, part)];

    /// <summary>Unmaps all files; tensors can no longer be read.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (var file in _files)
            file.Dispose();
    }

    Tensor Find(Dictionary<string, Tensor> byName, string name) => byName.TryGetValue(name, out var tensor) ? tensor : throw new CriaException($"{Path}: no tensor {name}");

    static Tensor Checked(Tensor tensor, long[] shape, ElementType? type)
    {
        if (!tensor.Shape.SequenceEqual(shape) && !(shape is [var rows, 1] && tensor.Shape is [var count] && count == rows))
            throw new CriaException($"{tensor.File}: {tensor.Name} has shape {tensor.ShapeText}, the configuration asks for [{string.Join(", ", shape)}]");
        if (type is { } due)
            return tensor.Type == due ? tensor : throw new CriaException($"{tensor.File}: {tensor.Name} has type {tensor.Type.Name()}, quantization asks for {due.Name()}");
        return tensor.Type is ElementType.F32 or ElementType.F16 or ElementType.BF16 || (shape.Length == 2 && tensor.Type.BlockLength() > 1) ? tensor
            : throw new CriaException($"{tensor.File}: {tensor.Name} has type {tensor.Type.Name()}, which is none of weights");
    }
}
