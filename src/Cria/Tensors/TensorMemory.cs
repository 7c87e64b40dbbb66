namespace Cria.Tensors;

/// <summary>Bytes that tensors are views of. Reading is safe from any number of threads; nobody may read through an old pointer after <see cref="Dispose"/>.</summary>
public abstract unsafe class TensorMemory(string path, long length) : IDisposable
{
    /// <summary>The file that the bytes are from.</summary>
    public string Path { get; } = path;

    /// <summary>Bytes.</summary>
    public long Length { get; } = length;

    /// <summary>The first byte; may be null where there is none.</summary>
    /// <exception cref="ObjectDisposedException">The bytes are gone.</exception>
    public abstract byte* Pointer { get; }

    /// <summary>Says that a range will not be read for a long time: what can be read again from a file may leave the process's memory.</summary>
    internal virtual void Forget(long offset, long length)
    {
    }

    /// <summary>Frees the bytes.</summary>
    public abstract void Dispose();
}
