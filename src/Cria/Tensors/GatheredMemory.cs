using System.Runtime.InteropServices;

namespace Cria.Tensors;

/// <summary>
/// Bytes that no file holds in the order a tensor needs: parts of several files, or elements that do not lie row after row. They are
/// gathered into memory of their own when they are first read, so that opening a model reads no weights.
/// </summary>
sealed unsafe class GatheredMemory(string path, long length, GatheredMemory.Filler fill) : TensorMemory(path, length)
{
    const int CacheLine = 64;

    readonly Lock _gate = new();
    byte* _pointer;
    bool _disposed;

    /// <summary>Writes all bytes of the memory.</summary>
    public delegate void Filler(byte* target);

    /// <inheritdoc/>
    public override byte* Pointer
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_pointer == null && Length > 0)
                    _pointer = Gather();
                return _pointer;
            }
        }
    }

    byte* Gather()
    {
        var target = (byte*)NativeMemory.AlignedAlloc((nuint)Length, CacheLine);
        try
        {
            fill(target);
            return target;
        }
        catch
        {
            NativeMemory.AlignedFree(target);
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            NativeMemory.AlignedFree(_pointer);
            _pointer = null;
        }
    }
}
