using System.IO.MemoryMappedFiles;

namespace Cria.Tensors;

/// <summary>
/// A file mapped read-only into memory: opening costs no memory, pages come in when they are touched and belong to the file cache.
/// Reading is safe from any number of threads; <see cref="Dispose"/> unmaps, and nobody may read through an old pointer after it.
/// The file must not shrink while it is mapped: the operating system ends a process that touches a page that is no longer there
/// (replace model files by renaming a new one over them, as <c>SafetensorsWriter</c> does).
/// </summary>
public sealed unsafe class MappedFile : TensorMemory
{
    readonly MemoryMappedFile? _file;
    readonly MemoryMappedViewAccessor? _view;
    byte* _pointer;
    int _disposed;

    MappedFile(string path, MemoryMappedFile? file, long length) : base(path, length)
    {
        _file = file;
        if (file is null)
            return;
        _view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _pointer);
        _pointer += _view.PointerOffset;
    }

    /// <summary>Maps a whole file. An empty file gives a length of 0 and nothing to read.</summary>
    /// <exception cref="CriaException">The file cannot be opened.</exception>
    public static MappedFile Open(string path)
    {
        MemoryMappedFile? file = null;
        try
        {
            var length = new FileInfo(path).Length;
            if (length == 0)
                return new MappedFile(path, null, 0);
            var handle = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            try
            {
                length = RandomAccess.GetLength(handle);
                if (length == 0)
                    return new MappedFile(path, null, 0);
                file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
                return new MappedFile(path, file, length);
            }
            finally
            {
                handle.Dispose();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            file?.Dispose();
            throw new CriaException($"{path}: " + (Directory.Exists(path) ? "a directory, not a file"
                : e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : e.Message), e);
        }
    }

    /// <summary>The first byte; null for an empty file.</summary>
    /// <exception cref="ObjectDisposedException">The file is unmapped.</exception>
    public override byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            return _pointer;
        }
    }

    internal override void Forget(long offset, long length) => MemoryAdvice.ForgetMapped(Pointer + offset, (nuint)length);

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        if (_pointer != null)
            _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _pointer = null;
        _view?.Dispose();
        _file?.Dispose();
    }
}
