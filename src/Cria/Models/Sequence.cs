namespace Cria.Models;

/// <summary>
/// The keys and values of one text that a <see cref="TextModel"/> has read so far. It grows by
/// <see cref="TextModel.Forward(ReadOnlySpan{Row}, Span{float}, CancellationToken)"/>; its memory goes back on <see cref="Truncate"/> and
/// <see cref="Dispose"/>. Not thread-safe, and not to be touched during a forward that includes it.
/// </summary>
public sealed class Sequence : IDisposable
{
    readonly KvCache _cache;
    readonly KvCache? _imageCache;
    readonly int? _imageToken;
    readonly List<ImageFeatures> _images = [];
    readonly List<int> _imagePositions = []; // of the image tokens that are read, or in the forward under way
    int _pageCount;
    bool _disposed;

    /// <param name="cache">The model's pages.</param>
    /// <param name="adapter">The adapter, if any.</param>
    /// <param name="imageCache">Of a vision model, the pages of its images.</param>
    /// <param name="imageToken">And the token that stands for one.</param>
    internal Sequence(KvCache cache, Adapter? adapter, KvCache? imageCache = null, int? imageToken = null) =>
        (_cache, Adapter, _imageCache, _imageToken) = (cache, adapter, imageCache, imageToken);

    /// <summary>The adapter that its rows are computed with, or null for the model's own weights.</summary>
    public Adapter? Adapter { get; }

    /// <summary>Positions read: the next row of this sequence has this position.</summary>
    public int Length { get; private set; }

    /// <summary>The images of its text in the order of their tokens.</summary>
    public IReadOnlyList<ImageFeatures> Images => _images;

    /// <summary>
    /// Adds an image, which must be there when the token that stands for it is read: the first such token is the first image, and so on. A token sees the
    /// image whose token was the last before it or is itself, and those whose tokens stand directly before that one. The sequence keeps the
    /// image's memory until it is disposed.
    /// </summary>
    /// <exception cref="ArgumentException">The image was read by another model, or with another adapter.</exception>
    /// <exception cref="ObjectDisposedException">The image or the sequence is disposed.</exception>
    public void Add(ImageFeatures image)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_imageCache is null || !image.IsOf(_imageCache))
            throw new ArgumentException("the image was read by another model", nameof(image));
        if (image.Adapter != Adapter?.OfImages)
            throw new ArgumentException("the image was read with another adapter", nameof(image));
        image.Acquire();
        _images.Add(image);
    }

    /// <summary>Forgets everything from position <paramref name="length"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence is shorter than that.</exception>
    public void Truncate(int length)
    {
        CheckUsable(_cache);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
        ForgetImagesFrom(length);
        FreePagesBeyond(length);
    }

    /// <summary>Gives the memory back; the sequence cannot be used any more.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            Adapter?.Release();
            foreach (var image in _images)
                image.Release();
        }
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
    internal void Adopt(nint page, ReadOnlySpan<int> ids)
    {
        Reserve(_pageCount + 1);
        Pages[_pageCount++] = _cache.SharePage(page);
        PendingLength = Length;
        foreach (var id in ids)
            Pend(id);
        Length = PendingLength;
    }

    /// <summary>Begins to take in the rows of a forward.</summary>
    internal void BeginPending()
    {
        PendingLength = Length;
        ForgetImagesFrom(Length);
    }

    /// <summary>Takes in the next token, or the <see cref="ImageFeatures.Key"/> of an image.</summary>
    /// <exception cref="CriaException">It stands for an image that is not there.</exception>
    internal void Pend(int token)
    {
        if (token == _imageToken || token < 0)
        {
            if (_imagePositions.Count == _images.Count)
                throw new CriaException($"the text has more image tokens than the {_images.Count} images it came with");
            _imagePositions.Add(PendingLength);
        }
        PendingLength++;
    }

    /// <summary>The images that a position sees: [first, end) of <see cref="Images"/>, none before the first image token.</summary>
    internal (int First, int End) ImagesAt(int position)
    {
        var at = _imagePositions.BinarySearch(position);
        var end = at >= 0 ? at + 1 : ~at;
        var first = Math.Max(0, end - 1);
        while (first > 0 && _imagePositions[first] == _imagePositions[first - 1] + 1)
            first--;
        return (first, end);
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
    internal void RollBack()
    {
        ForgetImagesFrom(Length);
        FreePagesBeyond(Length);
    }

    void ForgetImagesFrom(int length) => _imagePositions.RemoveAll(position => position >= length);

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
