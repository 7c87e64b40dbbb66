using System.Text;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>A tensor that is to be written: <paramref name="Write"/> writes its bytes when its turn comes, so that no more than a part of one is in memory.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Shape">Dimensions, the slowest first.</param>
/// <param name="Write">Writes exactly the bytes of type and shape.</param>
sealed record GgufTensor(string Name, ElementType Type, long[] Shape, Action<Stream> Write)
{
    public long Bytes => Type.Bytes(Shape.Aggregate(1L, (a, b) => checked(a * b)));
}

/// <summary>Writes GGUF version 3 (spec 4.3), aside and then renamed.</summary>
static class GgufWriter
{
    const int Alignment = GgufHeader.DefaultAlignment;

    /// <exception cref="IOException">The file cannot be written; nothing is left behind.</exception>
    public static void Write(string path, GgufMetadata metadata, IReadOnlyList<GgufTensor> tensors) => WholeFile.Write(path, stream =>
    {
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((long)tensors.Count);
        writer.Write(metadata.Count);
        metadata.CopyTo(stream);
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            var name = Encoding.UTF8.GetBytes(tensor.Name);
            writer.Write((long)name.Length);
            writer.Write(name);
            writer.Write((uint)tensor.Shape.Length);
            foreach (var dimension in tensor.Shape.Reverse())
                writer.Write(dimension);
            writer.Write(GgufHeader.Types.First(t => t.Value == tensor.Type).Key);
            writer.Write(offset);
            offset = Align(offset + tensor.Bytes);
        }
        writer.Flush();
        Pad(stream);
        foreach (var tensor in tensors)
        {
            var start = stream.Position;
            tensor.Write(stream);
            if (stream.Position - start != tensor.Bytes)
                throw new InvalidOperationException($"{tensor.Name}: {stream.Position - start} bytes written of {tensor.Bytes}");
            Pad(stream);
        }
    });

    static void Pad(Stream stream) => stream.Write(new byte[Align(stream.Position) - stream.Position]);

    static long Align(long offset) => (offset + Alignment - 1) & -Alignment;
}
