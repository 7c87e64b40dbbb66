using System.Text;

namespace Cria.Formats;

/// <summary>Writes GGUF version 3 (spec 4.3), aside and then renamed.</summary>
static class GgufWriter
{
    const int Alignment = GgufHeader.DefaultAlignment;

    /// <exception cref="IOException">The file cannot be written; nothing is left behind.</exception>
    public static void Write(string path, GgufMetadata metadata, IReadOnlyList<WrittenTensor> tensors) => WholeFile.Write(path, stream =>
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
            tensor.WriteTo(stream);
            Pad(stream);
        }
    });

    static void Pad(Stream stream) => stream.Write(new byte[Align(stream.Position) - stream.Position]);

    static long Align(long offset) => (offset + Alignment - 1) & -Alignment;
}
