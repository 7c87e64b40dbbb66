using System.Text;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// A mapped checkpoint of PyTorch (spec 4.2): a zip file whose pickle names the tensors and whose other entries hold their elements.
/// <see cref="Open"/> checks everything before any element can be read. Safe from any number of threads until it is disposed.
/// </summary>
sealed class PthFile : IDisposable
{
    /// <summary>Dimensions of a tensor.</summary>
    public const int MaxRank = 8;

    const long MaxElements = 1L << 40;

    const int MaxPickle = 16 << 20, MaxName = 512;

    readonly MappedFile _file;

    PthFile(MappedFile file)
    {
        _file = file;
        var zip = ZipDirectory.Read(file);
        var folder = zip.Folder is { Length: > 0 } name ? name + "/" : throw Error("no entry data.pkl in a folder");
        if (zip.Find(folder + "byteorder") is not null && Encoding.ASCII.GetString(zip.Bytes(folder + "byteorder", 16)) is var order && order != "little")
            throw Error($"byteorder is {OneLine.Quote(order)}, only \"little\" is supported");
        var pickle = zip.Bytes(folder + "data.pkl", MaxPickle);
        if (pickle.IsEmpty)
            throw Error($"no entry data.pkl of at most {MaxPickle} bytes in {OneLine.Cut(folder)}");
        Tensors = [.. States(pickle).Select(s => View(zip, folder, s.Key, s.Value))];
    }

    /// <summary>Maps and checks a file. Costs memory for the names only.</summary>
    /// <exception cref="CriaException">The file cannot be opened, is no such checkpoint, or its pickle uses more than tensors need.</exception>
    public static PthFile Open(string path)
    {
        var file = MappedFile.Open(path);
        try
        {
            return new PthFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The path it was opened with.</summary>
    public string Path => _file.Path;

    /// <summary>Bytes of the file.</summary>
    public long Length => _file.Length;

    /// <summary>All tensors in the order of the pickle.</summary>
    public IReadOnlyList<StridedView> Tensors { get; }

    /// <summary>Unmaps the file; its tensors can no longer be read.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>The dictionary that is the pickle's value, or that it holds as `model`.</summary>
    Dictionary<string, object?> States(ReadOnlySpan<byte> pickle)
    {
        try
        {
            return PickleMachine.Run(pickle) is not Dictionary<string, object?> top ? throw new CriaException("not a dictionary of tensors")
                : top.GetValueOrDefault("model") is Dictionary<string, object?> inner ? inner : top;
        }
        catch (CriaException e)
        {
            throw new CriaException($"{_file.Path}: data.pkl: {e.Message}", e);
        }
    }

    StridedView View(ZipDirectory zip, string folder, string name, object? value)
    {
        var shown = OneLine.Cut(name);
        if (name.Length is 0 or > MaxName || name.Any(char.IsControl))
            throw Error($"{OneLine.Quote(name)} is no name of a tensor");
        if (value is not PickleTensor tensor)
            throw Error($"{shown} is no tensor");
        var (storage, size) = (tensor.Storage, tensor.Storage.Element.BlockBytes());
        var entry = zip.Find($"{folder}data/{storage.Key}") ?? throw Error($"{shown}: no entry data/{OneLine.Cut(storage.Key)}");
        if (storage.Count < 0 || storage.Count > entry.Length / size)
            throw Error($"{shown}: data/{OneLine.Cut(storage.Key)} has {entry.Length} bytes, too few for the {storage.Count} elements it is said to hold");
        CheckExtent(tensor, shown);
        return new StridedView(name, storage.Element, tensor.Shape, tensor.Strides, _file, entry.Offset + tensor.Offset * size);
    }

    /// <summary>
    /// Every element must lie in the storage, and dimensions stay small beside one of none. More elements than the storage has, which a stride of 0 can make, are refused: a copy of
    /// them would not be bounded by the file.
    /// </summary>
    void CheckExtent(PickleTensor tensor, string shown)
    {
        var (shape, strides, available) = (tensor.Shape, tensor.Strides, tensor.Storage.Count);
        if (shape.Length > MaxRank || strides.Length != shape.Length || shape.Any(d => d < 0) || strides.Any(s => s < 0) || tensor.Offset < 0)
            throw Error($"{shown}: shape, strides and offset are not those of a tensor");
        var (count, last) = ((UInt128)1, (UInt128)tensor.Offset);
        for (var i = 0; i < shape.Length; i++)
        {
            count *= (UInt128)Math.Max(1, shape[i]);
            last += (UInt128)Math.Max(0, shape[i] - 1) * (UInt128)strides[i];
            if (count > MaxElements || last > MaxElements)
                throw Error($"{shown}: shape [{string.Join(", ", shape)}] is too large");
        }
        if (shape.Contains(0))
            count = 0;
        if (count > (UInt128)available || (count > 0 ? last >= (UInt128)available : tensor.Offset > available))
            throw Error($"{shown}: shape [{string.Join(", ", shape)}] at {tensor.Offset} reaches beyond the {available} elements of data/{OneLine.Cut(tensor.Storage.Key)}");
    }

    CriaException Error(string problem) => new($"{_file.Path}: {problem}");
}
