using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// Reads the header of a safetensors file straight from the mapping, with the checks of spec 4.1 and those the format's text asks
/// for beyond them: it begins with `{`, no name stands twice. Memory is bounded by <see cref="MaxTensors"/> and <see cref="MaxName"/>.
/// </summary>
ref struct SafetensorsHeader
{
    /// <summary>The 405B model has 1138.</summary>
    public const int MaxTensors = 1 << 14;

    const int LengthBytes = 8, MaxHeader = 100_000_000, MaxName = 512, MaxRank = 8, MaxMetadata = 1 << 12;

    readonly MappedFile _file;
    readonly long _dataStart;
    Utf8JsonReader _json;

    SafetensorsHeader(MappedFile file, ReadOnlySpan<byte> text)
    {
        _file = file;
        _dataStart = LengthBytes + text.Length;
        _json = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = 8 });
    }

    /// <summary>The tensors in the order of their data.</summary>
    /// <exception cref="CriaException">Anything is wrong with the header.</exception>
    public static unsafe List<Tensor> Read(MappedFile file)
    {
        if (file.Length < LengthBytes)
            throw new CriaException($"{file.Path}: {file.Length} bytes are no safetensors file");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(file.Pointer, LengthBytes));
        if (length > MaxHeader || (long)length > file.Length - LengthBytes)
            throw new CriaException($"{file.Path}: header length {length} does not fit the file of {file.Length} bytes");
        var text = new ReadOnlySpan<byte>(file.Pointer + LengthBytes, (int)length);
        if (text is not [(byte)'{', ..])
            throw new CriaException($"{file.Path}: the header does not begin with {{");
        if (!Utf8.IsValid(text))
            throw new CriaException($"{file.Path}: the header is not UTF-8");
        try
        {
            return new SafetensorsHeader(file, text).ReadTensors();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CriaException($"{file.Path}: header: {OneLine.Show(e)}", e);
        }
    }

    List<Tensor> ReadTensors()
    {
        var entries = new List<Entry>();
        var names = new HashSet<string>();
        _json.Read();
        while (NextName() is { } name)
        {
            if (!names.Add(name))
                throw Error($"duplicate name {OneLine.Quote(name)}");
            if (name == "__metadata__")
            {
                CheckMetadata();
                continue;
            }
            if (entries.Count == MaxTensors)
                throw Error($"more than {MaxTensors} tensors");
            entries.Add(ReadEntry(name));
        }
        if (_json.Read())
            throw Error("text after the header's object");
        return Place(entries);
    }

    /// <summary>Sorted by offset every tensor must begin where the one before ends, and the last must end with the file.</summary>
    readonly List<Tensor> Place(List<Entry> entries)
    {
        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        var tensors = new List<Tensor>(entries.Count);
        var end = 0L;
        foreach (var entry in entries)
        {
            if (entry.Begin != end)
                throw Error($"{OneLine.Cut(entry.Name)}: data_offsets begin at {entry.Begin}, the data before ends at {end}");
            if (entry.End > _file.Length - _dataStart)
                throw Error($"{OneLine.Cut(entry.Name)}: data_offsets end at {entry.End}, beyond the file's {_file.Length - _dataStart} bytes of data");
            end = entry.End;
            tensors.Add(new Tensor(entry.Name, entry.Type, entry.Shape, _file, _dataStart + entry.Begin));
        }
        return end == _file.Length - _dataStart ? tensors
            : throw Error($"{_file.Length - _dataStart} bytes of data, the tensors have {end}");
    }

    Entry ReadEntry(string name)
    {
        var shown = OneLine.Cut(name);
        if (name.Any(char.IsControl))
            throw Error($"{OneLine.Quote(name)}: control characters in a name");
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject)
            throw Error($"{shown} is not an object");
        ElementType? type = null;
        List<long>? shape = null, offsets = null;
        while (NextName() is { } key)
        {
            switch (key)
            {
                case "dtype" when type is null:
                    type = ReadType(shown);
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(shown, key, MaxRank);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(shown, key, 2);
                    break;
                default:
                    throw Error($"{shown}: unexpected or duplicate key {OneLine.Quote(key)}");
            }
        }
        if (type is null || shape is null || offsets is null)
            throw Error($"{shown}: {(type is null ? "dtype" : shape is null ? "shape" : "data_offsets")} is missing");
        if (offsets.Count != 2 || offsets[0] > offsets[1])
            throw Error($"{shown}: data_offsets [{string.Join(", ", offsets)}] are not [begin, end]");
        var bytes = (UInt128)type.Value.BlockBytes();
        foreach (var dimension in shape)
            if ((bytes *= (UInt128)dimension) > long.MaxValue)
                throw Error($"{shown}: shape [{string.Join(", ", shape)}] is too large");
        return bytes == (UInt128)(offsets[1] - offsets[0]) ? new Entry(name, type.Value, [.. shape], offsets[0], offsets[1])
            : throw Error($"{shown}: data_offsets span {offsets[1] - offsets[0]} bytes, dtype and shape need {bytes}");
    }

    ElementType ReadType(string name)
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.String || _json.ValueSpan.Length > 16)
            throw Error($"{name}: dtype is not the name of a type");
        var text = _json.GetString()!;
        return ElementTypes.FromSafetensorsName(text) ?? throw Error($"{name}: unknown dtype {OneLine.Quote(text)}");
    }

    List<long> ReadNumbers(string name, string key, int maxCount)
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartArray)
            throw Error($"{name}: {key} is not a list");
        var numbers = new List<long>(2);
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out var number) || number < 0)
                throw Error($"{name}: {key} holds something that is no size");
            if (numbers.Count == maxCount)
                throw Error($"{name}: {key} has more than {maxCount} numbers");
            numbers.Add(number);
        }
        return numbers;
    }

    /// <summary>`__metadata__` maps strings to strings; nothing in it matters here.</summary>
    void CheckMetadata()
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject)
            throw Error("__metadata__ is not an object");
        var keys = new HashSet<string>();
        while (NextName() is { } key)
        {
            if (!keys.Add(key) || keys.Count > MaxMetadata)
                throw Error($"__metadata__ has a duplicate name or more than {MaxMetadata} names");
            if (!_json.Read() || _json.TokenType != JsonTokenType.String)
                throw Error($"__metadata__: {OneLine.Quote(key)} has no string");
        }
    }

    /// <summary>The next property name of the current object, or null at its end.</summary>
    string? NextName() => !_json.Read() || _json.TokenType == JsonTokenType.EndObject ? null
        : _json.ValueSpan.Length <= MaxName ? _json.GetString()
        : throw Error($"a name of more than {MaxName} bytes");

    readonly CriaException Error(string problem) => new($"{_file.Path}: header: {problem}");

    readonly record struct Entry(string Name, ElementType Type, long[] Shape, long Begin, long End);
}
