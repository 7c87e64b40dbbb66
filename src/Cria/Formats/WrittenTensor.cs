using Cria.Tensors;

namespace Cria.Formats;

/// <summary>A tensor that is to be written: <paramref name="Write"/> writes its bytes when its turn comes, so that no more than a part of one is in memory.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Shape">Dimensions, the slowest first.</param>
/// <param name="Write">Writes exactly the bytes of type and shape.</param>
sealed record WrittenTensor(string Name, ElementType Type, long[] Shape, Action<Stream> Write)
{
    public long Bytes => Type.Bytes(Shape.Aggregate(1L, (a, b) => checked(a * b)));

    public void WriteTo(Stream stream)
    {
        var start = stream.Position;
        Write(stream);
        if (stream.Position - start != Bytes)
            throw new InvalidOperationException($"{Name}: {stream.Position - start} bytes written of {Bytes}");
    }
}
