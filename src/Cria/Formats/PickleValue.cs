using Cria.Tensors;

namespace Cria.Formats;

/// <summary>The names a checkpoint's pickle may use. They are looked up in <see cref="PickleGlobals"/> and never resolved to code.</summary>
enum PickleGlobal
{
    OrderedDict,
    Size,
    RebuildTensor,
    RebuildParameter,
}

/// <summary>A tuple; <paramref name="Depth"/> is that of the tuples inside it and one more.</summary>
sealed record PickleTuple(object?[] Items, int Depth);

/// <summary>The type of a storage's elements, a name like the other ones.</summary>
sealed record PickleStorageType(ElementType Element);

/// <summary>The entry `data/KEY` of the zip file and how many elements it is said to hold.</summary>
sealed record PickleStorage(ElementType Element, string Key, long Count);

/// <summary>A view of a storage; offset and strides in elements. Nothing is checked yet.</summary>
sealed record PickleTensor(PickleStorage Storage, long Offset, long[] Shape, long[] Strides);

/// <summary>The list of names that a checkpoint's pickle may use (spec 4.2), and what each does.</summary>
static class PickleGlobals
{
    static readonly Dictionary<(string Module, string Name), object> Allowed = new()
    {
        [("collections", "OrderedDict")] = PickleGlobal.OrderedDict,
        [("torch", "Size")] = PickleGlobal.Size,
        [("torch._utils", "_rebuild_tensor_v2")] = PickleGlobal.RebuildTensor,
        [("torch._utils", "_rebuild_parameter")] = PickleGlobal.RebuildParameter,
        [("torch", "FloatStorage")] = new PickleStorageType(ElementType.F32),
        [("torch", "HalfStorage")] = new PickleStorageType(ElementType.F16),
        [("torch", "BFloat16Storage")] = new PickleStorageType(ElementType.BF16),
        [("torch", "DoubleStorage")] = new PickleStorageType(ElementType.F64),
        [("torch", "CharStorage")] = new PickleStorageType(ElementType.I8),
        [("torch", "ByteStorage")] = new PickleStorageType(ElementType.U8),
        [("torch", "ShortStorage")] = new PickleStorageType(ElementType.I16),
        [("torch", "IntStorage")] = new PickleStorageType(ElementType.I32),
        [("torch", "LongStorage")] = new PickleStorageType(ElementType.I64),
        [("torch", "BoolStorage")] = new PickleStorageType(ElementType.Bool),
    };

    /// <summary>The meaning of a name, or null where it is not on the list.</summary>
    public static object? Find(string module, string name) => Allowed.GetValueOrDefault((module, name));

    /// <summary>What a name makes of its arguments, or null where they do not fit it.</summary>
    public static object? Apply(PickleGlobal callable, object?[] arguments) => (callable, arguments) switch
    {
        (PickleGlobal.OrderedDict, []) => new Dictionary<string, object?>(),
        (PickleGlobal.Size, [PickleTuple sizes]) => sizes,
        (PickleGlobal.RebuildParameter, [PickleTensor tensor, ..]) => tensor,
        (PickleGlobal.RebuildTensor, [PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, ..])
            when Numbers(shape) is { } dimensions && Numbers(strides) is { } steps => new PickleTensor(storage, offset, dimensions, steps),
        _ => null,
    };

    /// <summary>The storage that a persistent id names, or null where it is none.</summary>
    public static PickleStorage? Storage(object? id) =>
        id is PickleTuple { Items: ["storage", PickleStorageType type, string key, string, long count] } ? new PickleStorage(type.Element, key, count) : null;

    /// <summary>A tuple may stand for many tensors at the cost of one, its numbers are copied for each.</summary>
    static long[]? Numbers(PickleTuple tuple) => tuple.Items.Length <= PthFile.MaxRank && tuple.Items.All(i => i is long) ? [.. tuple.Items.Cast<long>()] : null;
}
