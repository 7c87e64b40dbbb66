namespace Cria.Tensors;

/// <summary>
/// A named array of any strides inside a mapped file, as PyTorch saves views of a larger tensor: element (i, j, ...) lies
/// i * Strides[0] + j * Strides[1] + ... elements behind the first. The caller has checked that all of them lie inside the file.
/// </summary>
/// <param name="Name">The name in the file.</param>
/// <param name="Type">The type of its elements, no blocks.</param>
/// <param name="Shape">Dimensions, the slowest first.</param>
/// <param name="Strides">For each dimension, in elements; not negative.</param>
/// <param name="File">Where it lies.</param>
/// <param name="Offset">Of the first element, in bytes.</param>
sealed unsafe record StridedView(string Name, ElementType Type, long[] Shape, long[] Strides, MappedFile File, long Offset)
{
    /// <summary>Whether the elements lie row after row without gaps.</summary>
    public bool IsContiguous
    {
        get
        {
            var due = ContiguousStrides(Shape);
            for (var i = 0; i < Shape.Length; i++)
                if (Shape[i] != 1 && Strides[i] != due[i])
                    return Shape.Contains(0);
            return true;
        }
    }

    /// <summary>Whether both are the same elements in the same order.</summary>
    public bool IsSameAs(StridedView other) => ReferenceEquals(File, other.File) && Offset == other.Offset && Type == other.Type
        && Shape.AsSpan().SequenceEqual(other.Shape) && Strides.AsSpan().SequenceEqual(other.Strides);

    /// <summary>The strides of an array whose elements lie row after row.</summary>
    public static long[] ContiguousStrides(long[] shape)
    {
        var strides = new long[shape.Length];
        for (var (i, stride) = (shape.Length - 1, 1L); i >= 0; stride *= shape[i--])
            strides[i] = stride;
        return strides;
    }

    /// <summary>
    /// The tensor that parts make one behind the other along an axis: of one part without gaps a view of its file, of others a copy
    /// made when it is first read, whose memory goes to <paramref name="gathered"/>. Types and all other dimensions are equal.
    /// </summary>
    public static Tensor Join(StridedView[] parts, int axis, List<GatheredMemory> gathered)
    {
        var first = parts[0];
        if (parts is [{ IsContiguous: true }])
            return new Tensor(first.Name, first.Type, first.Shape, first.File, first.Offset);
        var shape = (long[])first.Shape.Clone();
        shape[axis] = parts.Sum(p => p.Shape[axis]);
        var strides = ContiguousStrides(shape);
        var size = first.Type.BlockBytes();
        var memory = new GatheredMemory(first.File.Path, shape.Aggregate((long)size, (bytes, dimension) => checked(bytes * dimension)), target =>
        {
            foreach (var part in parts)
            {
                part.CopyTo(target, strides);
                target += part.Shape[axis] * strides[axis] * size;
            }
        });
        gathered.Add(memory);
        return new Tensor(first.Name, first.Type, shape, memory, 0);
    }

    /// <summary>Copies every element to its place in an array of other strides.</summary>
    void CopyTo(byte* target, long[] strides)
    {
        if (!Shape.Contains(0))
            Copy(File.Pointer + Offset, target, strides, 0);
        GC.KeepAlive(File);
    }

    void Copy(byte* source, byte* target, long[] strides, int axis)
    {
        var size = Type.BlockBytes();
        if (axis == Shape.Length || (axis == Shape.Length - 1 && Strides[axis] == 1 && strides[axis] == 1))
        {
            var bytes = axis == Shape.Length ? size : Shape[axis] * size;
            Buffer.MemoryCopy(source, target, bytes, bytes);
            return;
        }
        for (var i = 0L; i < Shape[axis]; i++)
            Copy(source + i * Strides[axis] * size, target + i * strides[axis] * size, strides, axis + 1);
    }
}
