using System.Buffers;

namespace Cria.Tokenization;

/// <summary>A growing list of ids in pooled memory; used once.</summary>
struct IdBuffer(int capacity)
{
    int[] _ids = ArrayPool<int>.Shared.Rent(capacity);

    public int Count { get; private set; }

    public void Add(int id)
    {
        if (Count == _ids.Length)
            Grow(1);
        _ids[Count++] = id;
    }

    public void Add(ReadOnlySpan<int> ids)
    {
        if (Count + ids.Length > _ids.Length)
            Grow(ids.Length);
        ids.CopyTo(_ids.AsSpan(Count));
        Count += ids.Length;
    }

    public readonly ReadOnlySpan<int> Since(int count) => _ids.AsSpan(count, Count - count);

    /// <summary>The ids; the memory goes back.</summary>
    public readonly int[] ToArrayAndReturn()
    {
        var ids = _ids.AsSpan(0, Count).ToArray();
        ArrayPool<int>.Shared.Return(_ids);
        return ids;
    }

    void Grow(int more)
    {
        var larger = ArrayPool<int>.Shared.Rent(Math.Max(2 * _ids.Length, Count + more));
        _ids.AsSpan(0, Count).CopyTo(larger);
        ArrayPool<int>.Shared.Return(_ids);
        _ids = larger;
    }
}
