using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// Writes checkpoints as PyTorch's `torch.save` does (spec section 4.2), aside and then renamed: a zip file of stored entries, one for the
/// elements of each tensor, and a pickle of protocol 2 that names them.
/// </summary>
static class PthWriter
{
    /// <exception cref="IOException">The file cannot be written; nothing is left behind.</exception>
    public static void Write(string path, IReadOnlyList<WrittenTensor> tensors) => WholeFile.Write(path, stream =>
    {
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        var folder = Path.GetFileNameWithoutExtension(path);
        Entry("data.pkl", entry => entry.Write(Pickle(tensors)));
        Entry("byteorder", entry => entry.Write("little"u8));
        for (var i = 0; i < tensors.Count; i++)
            Entry($"data/{i}", tensors[i].WriteTo);
        Entry("version", entry => entry.Write("3\n"u8));

        void Entry(string name, Action<Stream> write)
        {
            using var entry = zip.CreateEntry($"{folder}/{name}", CompressionLevel.NoCompression).Open();
            write(entry);
        }
    });

    /// <summary>A dictionary of tensors, each `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())` with a storage of its own.</summary>
    static byte[] Pickle(IReadOnlyList<WrittenTensor> tensors)
    {
        using var code = new MemoryStream();
        code.Write([0x80, 2, (byte)'}', (byte)'(']);                 // protocol, empty dictionary, mark
        for (var i = 0; i < tensors.Count; i++)
        {
            var (tensor, count) = (tensors[i], tensors[i].Shape.Aggregate(1L, (a, b) => a * b));
            Text(code, tensor.Name);
            code.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text(code, "storage");
            code.Write(Encoding.ASCII.GetBytes($"ctorch\n{Storage(tensor.Type)}\n"));
            Text(code, $"{i}");
            Text(code, "cpu");
            Number(code, count);
            code.Write("tQ"u8);                                      // the persistent object that the tuple names
            Number(code, 0);
            Numbers(code, tensor.Shape);
            Numbers(code, StridedView.ContiguousStrides(tensor.Shape));
            code.Write([0x89]);                                      // False
            code.Write("ccollections\nOrderedDict\n)RtR"u8);
        }
        code.Write("u."u8);
        return code.ToArray();
    }

    static void Numbers(MemoryStream code, long[] numbers)
    {
        code.WriteByte((byte)'(');
        foreach (var number in numbers)
            Number(code, number);
        code.WriteByte((byte)'t');
    }

    /// <summary>An integer of eight bytes.</summary>
    static void Number(MemoryStream code, long number)
    {
        Span<byte> bytes = [0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt64LittleEndian(bytes[2..], number);
        code.Write(bytes);
    }

    static void Text(MemoryStream code, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> head = [(byte)'X', 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], bytes.Length);
        code.Write(head);
        code.Write(bytes);
    }

    static string Storage(ElementType type) => type switch
    {
        ElementType.F32 => "FloatStorage",
        ElementType.BF16 => "BFloat16Storage",
        ElementType.I8 => "CharStorage",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no storage"),
    };
}
