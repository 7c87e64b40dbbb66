using System.Runtime.InteropServices;

namespace Cria.Tensors;

/// <summary>
/// A named, row-major array: a view of a mapped file, or of memory into which its parts are gathered when it is first read.
/// Immutable; reading is safe from any number of threads until the file is unmapped.
/// </summary>
public sealed unsafe class Tensor
{
    readonly TensorMemory _memory;
    readonly long _offset;
    readonly long[] _shape;

    /// <summary>A view of bytes that the caller has checked to lie inside the file.</summary>
    internal Tensor(string name, ElementType type, long[] shape, TensorMemory memory, long offset)
    {
        (Name, Type, _shape, _memory, _offset) = (name, type, shape, memory, offset);
        Count = 1;
        foreach (var dimension in shape)
            Count = checked(Count * dimension);
        ByteLength = type.Bytes(Count);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, memory.Length - ByteLength);
    }

    /// <summary>The name in the file.</summary>
    public string Name { get; }

    /// <summary>The type of its elements.</summary>
    public ElementType Type { get; }

    /// <summary>Dimensions, the slowest first: a weight matrix is [out, in]. Empty for a scalar.</summary>
    public IReadOnlyList<long> Shape => _shape;

    /// <summary>Elements.</summary>
    public long Count { get; }

    /// <summary>Bytes.</summary>
    public long ByteLength { get; }

    /// <summary>The path of the file it lies in.</summary>
    public string File => _memory.Path;

    /// <summary>Whether its bytes are those of a mapped file, not in memory of their own.</summary>
    internal bool IsMapped => _memory is MappedFile;

    /// <summary>The first element. Files promise no alignment, not even of the element's own size.</summary>
    /// <exception cref="ObjectDisposedException">The file is unmapped.</exception>
    public byte* Data => _memory.Pointer + _offset;

    /// <summary>Rows [first, first + count) of a tensor of at least two dimensions, in the same memory.</summary>
    internal Tensor Rows(long first, long count)
    {
        var rowBytes = ByteLength / _shape[0];
        return new Tensor(Name, Type, [count, .. _shape[1..]], _memory, _offset + first * rowBytes);
    }

    /// <summary>The same elements in rows of another length.</summary>
    internal Tensor Reshape(long columns) => new(Name, Type, [Count / columns, columns], _memory, _offset);

    /// <summary>Says that it will not be read for a long time: its file's pages may leave the process's memory.</summary>
    internal void Forget() => _memory.Forget(_offset, ByteLength);

    /// <summary>The shape as people write it, such as [128256, 2048].</summary>
    public string ShapeText => $"[{string.Join(", ", _shape)}]";

    /// <summary>All elements as F32; F16 and BF16 are widened exactly.</summary>
    /// <exception cref="ArgumentException">The target does not have <see cref="Count"/> elements.</exception>
    /// <exception cref="NotSupportedException">The type is another one.</exception>
    /// <exception cref="ObjectDisposedException">The file is unmapped.</exception>
    public void CopyTo(Span<float> target)
    {
        if (target.Length != Count)
            throw new ArgumentException($"{Name} has {Count} elements, the target {target.Length}", nameof(target));
        var bytes = new ReadOnlySpan<byte>(Data, checked((int)ByteLength));
        switch (Type)
        {
            case ElementType.F32:
                bytes.CopyTo(MemoryMarshal.AsBytes(target));
                break;
            case ElementType.F16:
                for (var i = 0; i < target.Length; i++)
                    target[i] = (float)MemoryMarshal.Read<Half>(bytes[(2 * i)..]);
                break;
            case ElementType.BF16:
                for (var i = 0; i < target.Length; i++)
                    target[i] = BitConverter.UInt32BitsToSingle((uint)MemoryMarshal.Read<ushort>(bytes[(2 * i)..]) << 16);
                break;
            default:
                throw new NotSupportedException($"{Name} is {Type.Name()}, not F32, F16 or BF16");
        }
        GC.KeepAlive(_memory);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Type.Name()} {ShapeText}";
}
