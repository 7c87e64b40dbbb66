using System.IO.MemoryMappedFiles;

namespace Cria.Kernels.Emitted;

/// <summary>
/// Machine code that was written in one mapping and is executed in another: memory is never writable and executable at once. It lives as long
/// as the process.
/// </summary>
static unsafe class ExecutableMemory
{
    /// <summary>The address of a copy of <paramref name="code"/> that can be called, or null where the system allows none.</summary>
    public static void* TryLoad(ReadOnlySpan<byte> code)
    {
        try
        {
            using var file = MemoryMappedFile.CreateNew(null, code.Length, MemoryMappedFileAccess.ReadWriteExecute);
            using (var written = file.CreateViewStream(0, code.Length, MemoryMappedFileAccess.ReadWrite))
                written.Write(code);
            var view = file.CreateViewAccessor(0, code.Length, MemoryMappedFileAccess.ReadExecute).SafeMemoryMappedViewHandle;
            byte* address = null;
            view.AcquirePointer(ref address); // never released: finalizers leave the mapping alone
            return address;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException or NotSupportedException)
        {
            return null;
        }
    }
}
