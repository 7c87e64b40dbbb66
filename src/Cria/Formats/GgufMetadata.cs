using System.Text;

namespace Cria.Formats;

/// <summary>Metadata of a GGUF file that is to be written, in the order in which it was added.</summary>
sealed unsafe class GgufMetadata
{
    readonly MemoryStream _bytes = new();
    readonly BinaryWriter _writer;

    public GgufMetadata() => _writer = new BinaryWriter(_bytes);

    /// <summary>Keys.</summary>
    public long Count { get; private set; }

    public void Add(string key, uint value) => Begin(key, GgufType.U32).Write(value);

    public void Add(string key, float value) => Begin(key, GgufType.F32).Write(value);

    public void Add(string key, bool value) => Begin(key, GgufType.Bool).Write(value);

    public void Add(string key, string value)
    {
        Begin(key, GgufType.String);
        WriteText(Encoding.UTF8.GetBytes(value));
    }

    public void Add(string key, IReadOnlyCollection<int> values)
    {
        BeginList(key, GgufType.I32, values.Count);
        foreach (var value in values)
            _writer.Write(value);
    }

    public void Add(string key, IReadOnlyCollection<string> values)
    {
        BeginList(key, GgufType.String, values.Count);
        foreach (var value in values)
            WriteText(Encoding.UTF8.GetBytes(value));
    }

    /// <summary>Adds a value as it stands in another file.</summary>
    public void Add(string key, GgufValue value)
    {
        if (value.IsArray)
            BeginList(key, value.Type, value.Count);
        else
            Begin(key, value.Type);
        if (value.Type != GgufType.String)
            _writer.Write(new ReadOnlySpan<byte>((void*)value.Data, checked((int)(value.Count * GgufValue.Size(value.Type)))));
        var at = value.Data;
        for (var i = 0L; value.Type == GgufType.String && i < value.Count; i++)
            WriteText(GgufValue.NextText(ref at));
    }

    public void CopyTo(Stream stream)
    {
        _writer.Flush();
        _bytes.WriteTo(stream);
    }

    BinaryWriter Begin(string key, GgufType type)
    {
        Count++;
        WriteText(Encoding.UTF8.GetBytes(key));
        _writer.Write((uint)type);
        return _writer;
    }

    void BeginList(string key, GgufType type, long count)
    {
        Begin(key, GgufType.Array).Write((uint)type);
        _writer.Write(count);
    }

    void WriteText(ReadOnlySpan<byte> text)
    {
        _writer.Write((long)text.Length);
        _writer.Write(text);
    }
}
