namespace Cria.Kernels;

/// <summary>Float32 scratch memory outside the garbage collected heap, aligned to cache lines; grows and never shrinks.</summary>
sealed unsafe class NativeBuffer : IDisposable
{
    float* _data;
    nuint _capacity;

    /// <summary>Room for <paramref name="count"/> floats, whose content is undefined.</summary>
    public float* Reserve(long count)
    {
        if ((nuint)count > _capacity)
        {
            Dispose();
            _data = (float*)LargeMemory.Allocate(count * sizeof(float));
            _capacity = (nuint)count;
        }
        return _data;
    }

    /// <summary>Room for a matrix, whose content is undefined.</summary>
    public Matrix Reserve(int rows, int columns) => new(Reserve((long)rows * columns), rows, columns);

    public void Dispose()
    {
        LargeMemory.Free(_data);
        _data = null;
        _capacity = 0;
    }
}
