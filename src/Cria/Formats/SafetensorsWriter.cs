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
        Write(path, [.. tensors.Select(t => new WrittenTensor(t.Name, t.Type, t.Shape, stream => stream.Write(t.Data.Span)) is var tensor && tensor.Type.BlockLength() == 1 && tensor.Bytes == t.Data.Length
            ? tensor : throw new ArgumentException($"{t.Name}: {t.Type.Name()} in {t.Data.Length} bytes", nameof(tensors)))], metadata);
    }

    /// <summary>The same for tensors that are written when their turn comes.</summary>
    internal static void Write(string path, IReadOnlyList<WrittenTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
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
                tensor.WriteTo(stream);
        });
    }

    static byte[] Header(List<WrittenTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
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
            foreach (var tensor in tensors)
            {
                if (!names.Add(tensor.Name) || tensor.Name == "__metadata__")
                    throw new ArgumentException($"{tensor.Name}: a name that is taken", nameof(tensors));
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.Name());
                json.WriteStartArray("shape");
                foreach (var dimension in tensor.Shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Bytes);
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
