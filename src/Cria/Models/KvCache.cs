using Cria.Formats;
using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>
/// The keys and values of all sequences, in pages: a page holds 64 positions of one sequence for every layer and kv head.
/// Allocation is thread-safe.
/// </summary>
sealed unsafe class KvCache(ModelConfig config, KvType type, KernelSet kernels)
{
    /// <summary>Positions of a page.</summary>
    public const int PagePositions = KvFormat.BlockPositions;

    long _bytes;

    public KvFormat Format { get; } = kernels.CreateKvFormat(type switch
    {
        KvType.F32 => ElementType.F32,
        KvType.F16 => ElementType.F16,
        KvType.BF16 => ElementType.BF16,
        _ => null,
    }, config.HeadSize);

    /// <summary>Bytes of the pages that sequences hold.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    long PageBytes => (long)config.LayerCount * config.KvHeadCount * (Format.KeyBytes + Format.ValueBytes);

    /// <summary>Where in a page the keys of a layer's head lie.</summary>
    public nint KeyOffset(int layer, int head) => ((nint)layer * config.KvHeadCount + head) * (Format.KeyBytes + Format.ValueBytes);

    /// <summary>Where in a page the values of a layer's head lie.</summary>
    public nint ValueOffset(int layer, int head) => KeyOffset(layer, head) + Format.KeyBytes;

    /// <summary>A page with undefined content.</summary>
    public nint AllocatePage()
    {
        var page = (nint)LargeMemory.Allocate(PageBytes);
        Interlocked.Add(ref _bytes, PageBytes);
        return page;
    }

    public void FreePage(nint page)
    {
        LargeMemory.Free((void*)page);
        Interlocked.Add(ref _bytes, -PageBytes);
    }

    /// <summary>Stores the keys and values [rows, kv heads * head size] of a layer.</summary>
    public void Write(Compute compute, int layer, Row[] rows, Matrix keys, Matrix values) => compute.ForRows(keys.Rows, keys.Columns, 1, (first, end) =>
    {
        for (var i = first; i < end; i++)
        {
            var page = (byte*)rows[i].Sequence.Pages[rows[i].Position / PagePositions];
            for (var head = 0; head < config.KvHeadCount; head++)
            {
                Format.Write(page + KeyOffset(layer, head), page + ValueOffset(layer, head), rows[i].Position % PagePositions,
                    keys[i] + head * config.HeadSize, values[i] + head * config.HeadSize);
            }
        }
    });
}
