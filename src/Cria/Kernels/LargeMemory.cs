using System.Runtime.InteropServices;

namespace Cria.Kernels;

/// <summary>
/// Memory outside the garbage collected heap, aligned to cache lines and with undefined content. Linux is asked to back blocks of
/// megabytes with pages of 2 MB: weights that stream through once a token would otherwise miss the translation cache all the way.
/// </summary>
static unsafe partial class LargeMemory
{
    const nuint HugePage = 2 << 20;
    const int AdviseHugePage = 14; // MADV_HUGEPAGE of madvise(2)

    public static void* Allocate(long bytes)
    {
        var size = checked((nuint)bytes);
        var memory = NativeMemory.AlignedAlloc(size, size < HugePage ? 64 : HugePage);
        if (size >= HugePage && OperatingSystem.IsLinux())
            _ = Advise(memory, size / HugePage * HugePage, AdviseHugePage); // advice: where it is refused, small pages do
        return memory;
    }

    public static void Free(void* memory) => NativeMemory.AlignedFree(memory);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint length, int advice);
}
