using System.Runtime.InteropServices;

namespace Cria.Training;

/// <summary>The C library's heap, where libtorch keeps its tensors.</summary>
static partial class NativeHeap
{
    const int TrimThreshold = -1, TopPad = -2, MapMaximum = -4, ArenaMaximum = -8; // mallopt(3)

    /// <summary>
    /// Lets glibc keep what is freed. By itself it gives every large block back to the system and takes it anew, page by page, for the
    /// next tensor: 30 to 50 % of a step of a small model. Elsewhere it does nothing. To be called before the first tensor.
    /// </summary>
    public static void KeepFreedMemory()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = Set(MapMaximum, 0); // no mappings of their own for large blocks
            _ = Set(TrimThreshold, int.MaxValue);
            _ = Set(TopPad, 256 << 20);
            _ = Set(ArenaMaximum, 1); // the heaps of other arenas are given back whatever the threshold
        }
        catch (EntryPointNotFoundException)
        {
            // another C library
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int Set(int parameter, int value);
}
