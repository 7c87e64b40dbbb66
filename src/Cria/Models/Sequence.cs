namespace Cria.Models;

/// <summary>
/// The keys and values of one text that a <see cref="TextModel"/> has read so far. It grows by
/// <see cref="TextModel.Forward(ReadOnlySpan{Row}, Span{float}, CancellationToken)"/>; its memory goes back on <see cref="Truncate"/> and
/// <see cref="Dispose"/>. Not thread-safe, and not to be touched during a forward that includes it.
/// </summary>
public sealed class Sequence : IDisposable
{
    readonly KvCache _cache;
    int _pageCount;
    bool _disposed;

    internal Sequence(KvCache cache, Adapter? adapter) => (_cache, Adapter) = (cache, adapter);

    /// <summary>The adapter that its rows are computed with, or null for the model's own weights.</summary>
    public Adapter? Adapter { get; }

    /// <summary>Positions read: the next row of this sequence has this position.</summary>
    public int Length { get; private set; }

    /// <summary>Forgets everything from position <paramref name="length"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence is shorter than that.</exception>
    public void Truncate(int length)
    {
        CheckUsable(_cache);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
        FreePagesBeyond(length);
    }

    /// <summary>Gives the memory back; the sequence cannot be used any more.</summary>
    public void Dispose()
    {
        if (!_disposed)
            Adapter?.Release();
        _disposed = true;
        Length = 0;
        FreePagesBeyond(0);
    }

    /// <summary>One page per 64 positions.</summary>
    internal nint[] Pages { get; private set; } = new nint[4];

    /// <summary>The length after the forward that is under way.</summary>
    internal int PendingLength { get; set; }

    internal void CheckUsable(KvCache cache)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (cache != _cache)
            throw new ArgumentException("the sequence belongs to another model");
    }

    /// <summary>Bytes that the next forward up to a length will allocate.</summary>
    internal long BytesToGrow(int length)
    {
        var copies = Length % KvCache.PagePositions > 0 && _cache.IsShared(Pages[_pageCount - 1]) ? 1 : 0;
        return (KvCache.PagesOf(length) - _pageCount + copies) * _cache.PageBytes;
    }

    /// <summary>Goes on with the first positions of a page that others hold too; a sequence of whole pages.</summary>
    internal void Adopt(nint page, int positions)
    {
        Reserve(_pageCount + 1);
        Pages[_pageCount++] = _cache.SharePage(page);
        Length += positions;
    }

    /// <summary>Allocates pages up to <see cref="PendingLength"/>; one that is only partly this sequence's becomes its own.</summary>
    internal void Grow()
    {
        var needed = KvCache.PagesOf(PendingLength);
        Reserve(needed);
        if (Length % KvCache.PagePositions > 0)
            Pages[Length / KvCache.PagePositions] = _cache.OwnPage(Pages[Length / KvCache.PagePositions]);
        for (; _pageCount < needed; _pageCount++)
            Pages[_pageCount] = _cache.AllocatePage();
    }

    /// <summary>Accepts the positions that were computed.</summary>
    internal void Commit() => Length = PendingLength;

    /// <summary>Drops the positions that were not.</summary>
    internal void RollBack() => FreePagesBeyond(Length);

    void Reserve(int pages)
    {
        if (pages <= Pages.Length)
            return;
        var larger = new nint[Math.Max(pages, 2 * Pages.Length)];
        Pages.CopyTo(larger, 0);
        Pages = larger;
    }

    void FreePagesBeyond(int length)
    {
        var needed = KvCache.PagesOf(length);
        while (_pageCount > needed)
            _cache.FreePage(Pages[--_pageCount]);
    }
}
