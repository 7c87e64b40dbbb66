using System.Runtime.InteropServices;
using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>
/// Memory outside the garbage collected heap, aligned to cache lines and with undefined content. Blocks of megabytes ask for pages of
/// 2 MB: weights that stream through once a token would otherwise miss the translation cache all the way.
/// </summary>
static unsafe class LargeMemory
{
    const nuint HugePage = 2 << 20;

    public static void* Allocate(long bytes)
    {
        var size = checked((nuint)bytes);
        var memory = NativeMemory.AlignedAlloc(size, size < HugePage ? 64 : HugePage);
        if (size >= HugePage)
            MemoryAdvice.UseHugePages(memory, size / HugePage * HugePage);
        return memory;
    }

    public static void Free(void* memory) => NativeMemory.AlignedFree(memory);
}
