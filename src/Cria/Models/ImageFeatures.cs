using Cria.Kernels;

namespace Cria.Models;

/// <summary>
/// What a <see cref="TextModel"/> has read of an image: the keys and values of its cross-attention. Any number of sequences may see the same. Thread-safe.
/// Its memory goes back when it is disposed and no sequence sees it any more.
/// </summary>
public sealed class ImageFeatures : IDisposable
{
    static int s_count;

    readonly KvCache _cache;
    readonly nint[] _pages;
    int _holders = 1;
    int _disposed;

    internal ImageFeatures(KvCache cache, string hash, Adapter? adapter, int tokens)
    {
        (_cache, Hash, Adapter, Tokens) = (cache, hash, adapter, tokens);
        _pages = new nint[KvCache.PagesOf(tokens)];
        for (var i = 0; i < _pages.Length; i++)
            _pages[i] = cache.AllocatePage();
    }

    /// <summary>The image's <see cref="ImageTiles.Hash"/>.</summary>
    public string Hash { get; }

    /// <summary>The adapter it was read with; null where that changes nothing of how images are read.</summary>
    internal Adapter? Adapter { get; }

    /// <summary>Positions that cross-attention sees: those of its tiles.</summary>
    public int Tokens { get; }

    /// <summary>Bytes of its keys and values.</summary>
    public long Bytes => BytesOf(Tokens, _cache);

    /// <summary>Bytes that so many tokens take.</summary>
    internal static long BytesOf(int tokens, KvCache cache) => KvCache.PagesOf(tokens) * cache.PageBytes;

    /// <summary>A negative number that no other has: what stands for this image where texts are compared by their tokens.</summary>
    internal int Key { get; } = -Interlocked.Increment(ref s_count);

    /// <summary>Whether anybody but the one who made it holds it.</summary>
    internal bool IsShared => Volatile.Read(ref _holders) > 1;

    internal IReadOnlyList<nint> Pages => _pages;

    internal AttentionPart Part => new(_pages, Tokens - 1);

    /// <summary>Stores the keys and values of a layer for the tokens from <paramref name="first"/> on.</summary>
    internal void Write(Compute compute, int layer, int first, Matrix keys, Matrix values) =>
        _cache.Write(compute, layer, row => (_pages[(first + row) / KvCache.PagePositions], first + row), keys, values);

    /// <summary>Whether it is of a model, by that one's cache.</summary>
    internal bool IsOf(KvCache cache) => cache == _cache;

    /// <summary>Whether it is what reading an image with an adapter gives.</summary>
    internal bool IsOf(ImageTiles image, Adapter? adapter) => Hash == image.Hash && Adapter == adapter;

    /// <summary>Keeps the memory until <see cref="Release"/>.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed and its memory is gone.</exception>
    internal void Acquire()
    {
        for (var holders = Volatile.Read(ref _holders); ;)
        {
            ObjectDisposedException.ThrowIf(holders == 0, this);
            if (Interlocked.CompareExchange(ref _holders, holders + 1, holders) is var seen && seen == holders)
                return;
            holders = seen;
        }
    }

    internal void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
            foreach (var page in _pages)
                _cache.FreePage(page);
    }

    /// <summary>Frees the memory when no sequence sees it any more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Release();
    }
}
