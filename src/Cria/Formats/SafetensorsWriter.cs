using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>Writes safetensors files in the layout of the reference library (spec 4.1).</summary>
public static class SafetensorsWriter
{
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Writes a file aside and renames it over `path` when it is complete. Data is row-major and little-endian. Without metadata the
    /// file gets `{"format":"pt"}`, which older readers ask for.
    /// </summary>
    /// <exception cref="ArgumentException">A name stands twice, a type is one of blocks, or the bytes do not fit type and shape.</exception>
    /// <exception cref="IOException">The file cannot be written; nothing is left behind.</exception>
    public static void Write(string path, IEnumerable<(string Name, ElementType Type, long[] Shape, ReadOnlyMemory<byte> Data)> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = tensors.OrderByDescending(t => t.Type.BlockBytes()).ThenBy(t => t.Name, StringComparer.Ordinal).ToList();
        var header = Header(ordered, metadata);
        WholeFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (var tensor in ordered)
                stream.Write(tensor.Data.Span);
        });
    }

    static byte[] Header(List<(string Name, ElementType Type, long[] Shape, ReadOnlyMemory<byte> Data)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata ?? new Dictionary<string, string> { ["format"] = "pt" })
                json.WriteString(key, value);
            json.WriteEndObject();
            var names = new HashSet<string>();
            var offset = 0L;
            foreach (var (name, type, shape, data) in tensors)
            {
                var bytes = shape.Aggregate((long)type.BlockBytes(), (product, dimension) => checked(product * dimension));
                if (type.BlockLength() > 1 || bytes != data.Length || !names.Add(name) || name == "__metadata__")
                    throw new ArgumentException($"{name}: {type.Name()}, {data.Length} bytes for {bytes}, or a name that is taken", nameof(tensors));
                json.WriteStartObject(name);
                json.WriteString("dtype", type.Name());
                json.WriteStartArray("shape");
                foreach (var dimension in shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }
}
