using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Unicode;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// Reads the head of a GGUF file, version 2 or 3 (spec 4.3): metadata and where the tensors lie. Every length is checked against the
/// file before anything is allocated, and the tensors must follow one another without gaps, each on a multiple of the alignment.
/// </summary>
sealed unsafe class GgufHeader
{
    const int MaxKeys = 1 << 16, MaxKey = 512, MaxName = 63, MaxDimensions = 4;
    const long MaxText = 1 << 30;

    /// <summary>The types of tensors by their numbers in the file.</summary>
    public static IReadOnlyDictionary<uint, ElementType> Types { get; } = new Dictionary<uint, ElementType>
    {
        [0] = ElementType.F32,
        [1] = ElementType.F16,
        [30] = ElementType.BF16,
        [28] = ElementType.F64,
        [24] = ElementType.I8,
        [25] = ElementType.I16,
        [26] = ElementType.I32,
        [27] = ElementType.I64,
        [2] = ElementType.Q4_0,
        [3] = ElementType.Q4_1,
        [6] = ElementType.Q5_0,
        [7] = ElementType.Q5_1,
        [8] = ElementType.Q8_0,
        [10] = ElementType.Q2_K,
        [11] = ElementType.Q3_K,
        [12] = ElementType.Q4_K,
        [13] = ElementType.Q5_K,
        [14] = ElementType.Q6_K,
        [20] = ElementType.IQ4_NL,
        [23] = ElementType.IQ4_XS,
    };

    /// <summary>What tensors are aligned to where the file does not say.</summary>
    public const int DefaultAlignment = 32;

    readonly MappedFile _file;
    readonly byte* _data;
    long _at;

    GgufHeader(MappedFile file) => _data = (_file = file).Pointer;

    Dictionary<string, GgufValue> Values { get; } = [];

    List<Tensor> Tensors { get; } = [];

    /// <exception cref="CriaException">It is no GGUF, or something in it cannot be.</exception>
    public static (Dictionary<string, GgufValue> Values, List<Tensor> Tensors) Read(MappedFile file)
    {
        var header = new GgufHeader(file);
        header.Read();
        return (header.Values, header.Tensors);
    }

    void Read()
    {
        if (!Take(4, "magic").SequenceEqual("GGUF"u8))
            throw Error("no GGUF file; a model in another format is named by its directory");
        var version = U32("version");
        if (version is not (2 or 3))
            throw Error((version & 0xFFFF) == 0 ? "a big-endian GGUF" : $"GGUF version {version}, only 2 and 3 are supported");
        var tensors = Count("tensor_count", SafetensorsHeader.MaxTensors, 8 + 4 + 8 + 4 + 8);
        var keys = Count("kv_count", MaxKeys, 8 + 4 + 1);
        for (var i = 0L; i < keys; i++)
            ReadValue();
        var alignment = Alignment();
        var infos = new List<(string Name, ElementType Type, long[] Shape, long Offset)>();
        for (var i = 0L; i < tensors; i++)
            infos.Add(ReadTensor());
        var start = Align(_at, alignment);
        var next = 0L;
        var names = new HashSet<string>();
        foreach (var (name, type, shape, offset) in infos)
        {
            if (!names.Add(name))
                throw Error($"{name} stands twice");
            if (offset != next)
                throw Error($"{name}: offset {(ulong)offset}, it must be {next}: tensors follow one another at multiples of {alignment}");
            var bytes = Bytes(name, type, shape);
            if (start + next > _file.Length || bytes > _file.Length - start - next)
                throw Error($"{name}: {bytes} bytes at {start + next} do not fit the file of {_file.Length}");
            Tensors.Add(new Tensor(name, type, shape, _file, start + next));
            next = Align(next + bytes, alignment);
        }
    }

    void ReadValue()
    {
        var key = Text("a key", MaxKey);
        var type = Type(key);
        var isArray = type == GgufType.Array;
        var count = 1L;
        if (isArray)
        {
            type = Type(key);
            if (type == GgufType.Array)
                throw Error($"{key}: an array of arrays");
            count = Count(key, long.MaxValue, type == GgufType.String ? 8 : GgufValue.Size(type));
        }
        var value = new GgufValue(type, isArray, (nint)(_data + _at), count);
        if (type == GgufType.String)
            for (var i = 0L; i < count; i++)
                _ = TakeText(key, MaxText);
        else
            _ = Take(count * GgufValue.Size(type), key);
        if (!Values.TryAdd(key, value))
            throw Error($"{key} stands twice");
    }

    (string Name, ElementType Type, long[] Shape, long Offset) ReadTensor()
    {
        var name = Text("a tensor's name", MaxName);
        var dimensions = U32(name);
        if (dimensions is 0 or > MaxDimensions)
            throw Error($"{name}: {dimensions} dimensions");
        var shape = new long[dimensions];
        for (var i = shape.Length - 1; i >= 0; i--) // the file has the fastest first
            if ((shape[i] = I64(name)) < 0)
                throw Error($"{name}: a dimension of {shape[i]}");
        var type = U32(name);
        return (name, Types.TryGetValue(type, out var known) ? known : throw Error($"{name}: unknown tensor type {type}"), shape, I64(name));
    }

    long Bytes(string name, ElementType type, long[] shape)
    {
        if (shape[^1] % type.BlockLength() != 0)
            throw Error($"{name}: rows of {shape[^1]} are no whole blocks of {type.BlockLength()} ({type.Name()})");
        UInt128 count = 1;
        foreach (var dimension in shape)
            if ((count *= (UInt128)dimension) > long.MaxValue / 8)
                throw Error($"{name}: dimensions [{string.Join(", ", shape)}] are too large");
        return type.Bytes((long)count);
    }

    long Alignment()
    {
        const string Key = "general.alignment";
        if (!Values.TryGetValue(Key, out var value))
            return DefaultAlignment;
        return value is { Type: GgufType.U32, IsArray: false } && value.Integer() is > 0 and <= 1 << 20 and var alignment && BitOperations.IsPow2(alignment)
            ? alignment : throw Error($"{Key} is no power of two up to {1 << 20} as a u32");
    }

    static long Align(long offset, long alignment) => (offset + alignment - 1) & -alignment;

    GgufType Type(string key) => U32(key) is var type && type <= (uint)GgufType.F64 ? (GgufType)type : throw Error($"{key}: unknown value type {type}");

    /// <summary>A count of things that have at least so many bytes each.</summary>
    long Count(string field, long max, int size)
    {
        var count = (ulong)I64(field);
        return count <= (ulong)((_file.Length - _at) / size) && count <= (ulong)max ? (long)count
            : throw Error($"{field}: {count} are more than the file holds{(count <= (ulong)max ? "" : $", or than the limit of {max}")}");
    }

    string Text(string field, long max)
    {
        var text = TakeText(field, max);
        return Utf8.IsValid(text) ? OneLine.Clean(Encoding.UTF8.GetString(text)) : throw Error($"{field} is not UTF-8");
    }

    ReadOnlySpan<byte> TakeText(string field, long max)
    {
        var length = (ulong)I64(field);
        return length <= (ulong)max ? Take((long)length, field) : throw Error($"{field}: a string of {length} bytes, {max} are the most");
    }

    uint U32(string field) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, field));

    long I64(string field) => BinaryPrimitives.ReadInt64LittleEndian(Take(8, field));

    ReadOnlySpan<byte> Take(long count, string field)
    {
        if (count > _file.Length - _at)
            throw Error($"the file ends within {field}");
        var taken = _data + _at;
        _at += count;
        return new ReadOnlySpan<byte>(taken, (int)Math.Min(count, int.MaxValue));
    }

    CriaException Error(string what) => new($"{_file.Path}: {what}");
}
