using System.Runtime.CompilerServices;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>What an adapter holds for one module of the base model: a low-rank product A, B, or the whole weight in place of the model's.</summary>
/// <param name="Role">The tensor it changes.</param>
/// <param name="Layer">Of which block.</param>
/// <param name="Scale">What the product is multiplied by.</param>
/// <param name="A">[rank, in]; of the embedding [rank, V], of a vision model's with the rows of images behind the vocabulary.</param>
/// <param name="B">[out, rank]; of the embedding [D, rank].</param>
/// <param name="Magnitude">DoRA's [out] beside A and B, or null.</param>
/// <param name="Weight">The whole weight, or null.</param>
sealed record PeftModule(TensorRole Role, int Layer, float Scale, Tensor? A, Tensor? B, Tensor? Magnitude, Tensor? Weight);

/// <summary>
/// An adapter in the format of Hugging Face's PEFT (`adapter_config.json` and `adapter_model.safetensors`), mapped and checked against the
/// configuration of its base model. Rows of query and key come in the order that the base model has them in.
/// </summary>
sealed unsafe class PeftAdapter : IDisposable
{
    const string Prefix = "base_model.model.", InMemory = Prefix + "model.", Head = Prefix + "lm_head.", Weights = "adapter_model.safetensors";
    const string A = ".lora_A.weight", B = ".lora_B.weight", EmbeddingA = ".lora_embedding_A", EmbeddingB = ".lora_embedding_B",
        Magnitude = ".lora_magnitude_vector", Whole = ".weight", Bias = ".bias", Copy = ".base_layer.weight"; // a copy of the base model's own
    static readonly string[] Endings = [A, B, EmbeddingA, EmbeddingB, Magnitude, Copy, Whole];

    readonly SafetensorsFile _file;
    readonly ModelConfig _model;
    readonly List<IDisposable> _memories = [];

    PeftAdapter(SafetensorsFile file, PeftConfig config, ModelConfig model)
    {
        (_file, _model) = (file, model);
        var names = TensorNames.HuggingFaceOf(model, asInMemory: file.Tensors.Any(t => t.Name.StartsWith(InMemory, StringComparison.Ordinal) || t.Name.StartsWith(Head, StringComparison.Ordinal)));
        var modules = TensorRoles.All(model).Append((Role: TensorRole.Output, Layer: 0)).Distinct().Where(m => m.Role != TensorRole.ImageEmbedding) // rows of the embedding
            .ToDictionary(m => names.Of(m.Role, m.Layer) is var name && name.EndsWith(Whole, StringComparison.Ordinal) ? name[..^Whole.Length] : name);
        var parts = new Dictionary<string, Dictionary<string, Tensor>>();
        foreach (var tensor in file.Tensors)
        {
            var (module, ending) = Parse(tensor.Name);
            if (!modules.TryGetValue(module, out var changed))
                throw Error(tensor, "changes nothing that the base model has");
            if (!CanChange(changed.Role))
                throw Error(tensor, "is for a part of the model that no adapter can change here");
            if (ending == Copy)
                continue;
            CheckValues(tensor);
            if (!parts.TryGetValue(module, out var ofModule))
                parts[module] = ofModule = [];
            ofModule.Add(ending, tensor);
        }
        if (parts.Count == 0)
            throw new CriaException($"{file.Path}: no tensors of an adapter");
        Modules = [.. parts.Select(p => Module(p.Key, modules[p.Key], p.Value, config))];
    }

    /// <summary>Opens an adapter's directory for a base model. Reads every value once.</summary>
    /// <exception cref="CriaException">A file is missing or not valid, or the adapter does not fit the model.</exception>
    public static PeftAdapter Open(string path, ModelConfig model)
    {
        if (!Directory.Exists(path))
            throw new CriaException($"{path}: there is no such adapter directory");
        if (model.Quantization is { IsRotated: true })
            throw new CriaException($"{path}: the base model is rotated (SpinQuant), no adapter fits it");
        var config = PeftConfig.Read(Path.Combine(path, "adapter_config.json"));
        var file = SafetensorsFile.Open(Path.Combine(path, Weights));
        try
        {
            return new PeftAdapter(file, config, model);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What it changes, each module once.</summary>
    public IReadOnlyList<PeftModule> Modules { get; }

    /// <summary>Whether an adapter may change a part: all but norms of heads, gates, and what is no linear layer of the vision encoder.</summary>
    static bool CanChange(TensorRole role) => role is <= TensorRole.Output or TensorRole.CrossQuery or TensorRole.CrossKey or TensorRole.CrossValue or TensorRole.CrossOutput
        or TensorRole.VisionQuery or TensorRole.VisionKey or TensorRole.VisionValue or TensorRole.VisionOutput or TensorRole.VisionUp or TensorRole.VisionDown
        or TensorRole.VisionProjector or TensorRole.VisionProjectorBias;

    /// <summary>The module and the kind of tensor that a name says; empty where it says none. A bias is a module of its own.</summary>
    static (string Module, string Ending) Parse(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Bias, StringComparison.Ordinal) && name.Length > Prefix.Length + Bias.Length ? (name[Prefix.Length..], Whole)
        : Array.Find(Endings, e => name.EndsWith(e, StringComparison.Ordinal)) is { } ending && name.StartsWith(Prefix, StringComparison.Ordinal)
            && name.Length > Prefix.Length + ending.Length ? (name[Prefix.Length..^ending.Length], ending) : ("", "");

    PeftModule Module(string name, (TensorRole Role, int Layer) of, Dictionary<string, Tensor> parts, PeftConfig config)
    {
        var shape = TensorRoles.Shape(of.Role, _model);
        if (of.Role == TensorRole.Embedding && _model.Vision is not null)
            shape[0] += ModelConfig.ImageRows;
        if (parts.TryGetValue(Whole, out var weight))
            return parts.Count == 1 ? new(of.Role, of.Layer, 1, null, null, null, InOrder(Check(weight, shape), of.Role))
                : throw Error(weight, "stands beside a low-rank product of the same module");
        if (shape is not [var rows, var columns])
            throw Error(parts.First().Value, "is a low-rank product for a module that is no matrix");
        var isEmbedding = of.Role == TensorRole.Embedding;
        var (a, b) = (Pop(isEmbedding ? EmbeddingA : A), Pop(isEmbedding ? EmbeddingB : B));
        parts.TryGetValue(Magnitude, out var magnitude);
        if (parts.Count > (magnitude is null ? 0 : 1) || (isEmbedding && magnitude is not null))
            throw Error(parts.First().Value, "is not for a module of this kind");
        var rank = config.RankOf(name);
        if (isEmbedding)
            (rows, columns) = (columns, rows);
        return new(of.Role, of.Layer, config.ScaleOf(name), Check(a, [rank, columns]), InOrder(Check(b, [rows, rank]), of.Role),
            magnitude is null ? null : InOrder(Check(magnitude, [rows]), of.Role), null);

        Tensor Pop(string ending) => parts.Remove(ending, out var part) ? part : throw new CriaException($"{_file.Path}: no tensor {Prefix}{name}{ending}");
    }

    Tensor InOrder(Tensor tensor, TensorRole role) => role is TensorRole.Query or TensorRole.Key && _model.AdjacentPairs ? HeadRows.ToPairs(tensor, _model.HeadSize, _memories) : tensor;

    static Tensor Check(Tensor tensor, long[] shape) => tensor.Shape.SequenceEqual(shape) ? tensor
        : throw Error(tensor, $"has shape {tensor.ShapeText}, the base model and the configuration ask for [{string.Join(", ", shape)}]");

    static void CheckValues(Tensor tensor)
    {
        if (tensor.Type is not (ElementType.F32 or ElementType.F16 or ElementType.BF16))
            throw Error(tensor, $"has type {tensor.Type.Name()}, which is none of weights");
        var exponent = tensor.Type switch { ElementType.F32 => 0x7F800000, ElementType.F16 => 0x7C00, _ => 0x7F80 };
        for (var i = 0L; i < tensor.Count; i++)
        {
            var bits = tensor.Type == ElementType.F32 ? Unsafe.ReadUnaligned<int>(tensor.Data + 4 * i) : Unsafe.ReadUnaligned<ushort>(tensor.Data + 2 * i);
            if ((bits & exponent) == exponent)
                throw Error(tensor, $"holds a value that is not a finite number, its element {i}");
        }
    }

    static CriaException Error(Tensor tensor, string problem) => new($"{tensor.File}: {OneLine.Cut(tensor.Name)} {problem}");

    /// <summary>Unmaps the file; its tensors can no longer be read.</summary>
    public void Dispose()
    {
        foreach (var memory in _memories)
            memory.Dispose();
        _file.Dispose();
    }
}
