using System.Runtime.InteropServices;

namespace Cria.Tensors;

/// <summary>Advice to Linux on ranges of memory, madvise(2); nothing on other systems, and where it is refused nothing is lost.</summary>
static unsafe partial class MemoryAdvice
{
    const nuint Page = 4096;
    const int DontNeed = 4, HugePage = 14;

    /// <summary>Asks for pages of 2 MB.</summary>
    public static void UseHugePages(void* start, nuint length)
    {
        if (OperatingSystem.IsLinux())
            _ = Advise(start, length, HugePage);
    }

    /// <summary>Takes the whole pages of a range of a mapped file out of this process's memory; they stay in the file cache and come back when read.</summary>
    public static void ForgetMapped(void* start, nuint length)
    {
        var first = ((nuint)start + Page - 1) / Page * Page;
        var end = ((nuint)start + length) / Page * Page;
        if (end > first && OperatingSystem.IsLinux())
            _ = Advise((void*)first, end - first, DontNeed);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint length, int advice);
}
