using System.Runtime.InteropServices;
using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>
/// Keys and values in pages: a page holds 64 positions for every layer and kv head. Sequences that begin alike
/// may share pages: a page counts its holders, and whoever writes to one that others hold writes to a copy. Thread-safe.
/// </summary>
sealed unsafe class KvCache(int layers, int kvHeads, KvFormat format)
{
    /// <summary>Positions of a page.</summary>
    public const int PagePositions = KvFormat.BlockPositions;

    const int CounterBytes = 64; // behind a page: the number of its holders, in a cache line of its own

    long _bytes;

    public KvCache(int layers, int kvHeads, int headSize, KvType type, KernelSet kernels) : this(layers, kvHeads, kernels.CreateKvFormat(type switch
    {
        KvType.F32 => ElementType.F32,
        KvType.F16 => ElementType.F16,
        KvType.BF16 => ElementType.BF16,
        _ => null,
    }, headSize))
    {
    }

    public KvFormat Format => format;

    /// <summary>Bytes of all pages that somebody holds; a shared one counts once.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Bytes of a page.</summary>
    public long PageBytes => (long)layers * kvHeads * (Format.KeyBytes + Format.ValueBytes);

    /// <summary>Pages that so many positions take.</summary>
    public static int PagesOf(int positions) => (positions + PagePositions - 1) / PagePositions;

    /// <summary>Where in a page the keys of a layer's first head lie; its values follow, then those of the next head.</summary>
    public nint Offset(int layer) => (nint)layer * kvHeads * (Format.KeyBytes + Format.ValueBytes);

    /// <summary>A page with undefined content and one holder.</summary>
    public nint AllocatePage()
    {
        var page = (nint)LargeMemory.Allocate(PageBytes + CounterBytes);
        Holders(page) = 1;
        Interlocked.Add(ref _bytes, PageBytes);
        return page;
    }

    /// <summary>Adds a holder.</summary>
    public nint SharePage(nint page)
    {
        Interlocked.Increment(ref Holders(page));
        return page;
    }

    /// <summary>Whether a page has several holders.</summary>
    public bool IsShared(nint page) => Volatile.Read(ref Holders(page)) > 1;

    /// <summary>Takes a holder away; the last one's page goes back to the system.</summary>
    public void FreePage(nint page)
    {
        if (Interlocked.Decrement(ref Holders(page)) > 0)
            return;
        LargeMemory.Free((void*)page);
        Interlocked.Add(ref _bytes, -PageBytes);
    }

    /// <summary>A page that only the caller holds: this one, or a copy in its place.</summary>
    public nint OwnPage(nint page)
    {
        if (!IsShared(page))
            return page;
        var copy = AllocatePage();
        NativeMemory.Copy((void*)page, (void*)copy, (nuint)PageBytes);
        FreePage(page);
        return copy;
    }

    ref int Holders(nint page) => ref *(int*)(page + (nint)PageBytes);

    /// <summary>Stores the keys and values [rows, kv heads * head size] of a layer.</summary>
    /// <param name="compute">Spreads the rows over the threads.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="place">The page and the position of every row.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="values">The values.</param>
    public void Write(Compute compute, int layer, Func<int, (nint Page, int Position)> place, Matrix keys, Matrix values) => compute.ForRows(keys.Rows, keys.Columns, 1, (first, end) =>
    {
        for (var i = first; i < end; i++)
        {
            var (page, position) = place(i);
            var target = (byte*)page + Offset(layer);
            for (var head = 0; head < kvHeads; head++, target += Format.KeyBytes + Format.ValueBytes)
                Format.Write(target, target + Format.KeyBytes, position % PagePositions, keys[i] + head * format.HeadSize, values[i] + head * format.HeadSize);
        }
    });
}
