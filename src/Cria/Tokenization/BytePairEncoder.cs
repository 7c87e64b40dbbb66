using System.Buffers;

namespace Cria.Tokenization;

/// <summary>
/// Merges the bytes of a piece: the adjacent pair whose concatenation has the lowest rank first, leftmost on ties, until no
/// pair is in the vocabulary (spec section 5.4).
/// </summary>
static class BytePairEncoder
{
    const int ShortPiece = 96; // up to here a scan over all pairs is faster than a heap

    public static void Encode(Vocabulary vocabulary, ReadOnlySpan<byte> piece, List<int> ids)
    {
        var whole = vocabulary.Find(piece);
        if (whole >= 0)
            ids.Add(whole);
        else if (piece.Length <= ShortPiece)
            EncodeShort(vocabulary, piece, ids);
        else
            EncodeLong(vocabulary, piece, ids);
    }

    static void EncodeShort(Vocabulary vocabulary, ReadOnlySpan<byte> piece, List<int> ids)
    {
        // Part i is piece[starts[i]..starts[i + 1]]; ranks[i] is that of parts i and i + 1 together.
        Span<int> starts = stackalloc int[ShortPiece + 1];
        Span<int> ranks = stackalloc int[ShortPiece];
        var parts = piece.Length;
        for (var i = 0; i <= parts; i++)
            starts[i] = i;
        for (var i = 0; i < parts - 1; i++)
            ranks[i] = Rank(vocabulary, piece[i..(i + 2)]);
        while (parts > 1)
        {
            var best = 0;
            for (var i = 1; i < parts - 1; i++)
                if (ranks[i] < ranks[best])
                    best = i;
            if (ranks[best] == int.MaxValue)
                break;
            starts[(best + 2)..(parts + 1)].CopyTo(starts[(best + 1)..]);
            if (best + 2 < parts)
                ranks[(best + 2)..(parts - 1)].CopyTo(ranks[(best + 1)..]);
            parts--;
            if (best < parts - 1)
                ranks[best] = Rank(vocabulary, piece[starts[best]..starts[best + 2]]);
            if (best > 0)
                ranks[best - 1] = Rank(vocabulary, piece[starts[best - 1]..starts[best + 1]]);
        }
        for (var i = 0; i < parts; i++)
            ids.Add(vocabulary.Find(piece[starts[i]..starts[i + 1]]));
    }

    /// <summary>The same with a linked list and a heap: n log n also for a megabyte of one letter.</summary>
    static void EncodeLong(Vocabulary vocabulary, ReadOnlySpan<byte> piece, List<int> ids)
    {
        var n = piece.Length;
        var next = ArrayPool<int>.Shared.Rent(n + 1);       // start of the following part; n = end
        var previous = ArrayPool<int>.Shared.Rent(n + 1);
        var heap = new PriorityQueue<(int Left, int Middle, int End), (int Rank, int Left)>(n);
        for (var i = 0; i <= n; i++)
            (next[i], previous[i]) = (i + 1, i - 1);
        for (var i = 0; i < n - 1; i++)
            Push(vocabulary, piece, i, i + 1, i + 2, heap);
        while (heap.TryDequeue(out var pair, out _))
        {
            var (left, middle, end) = pair;
            if (next[left] != middle || next[middle] != end) // one of the two was merged meanwhile
                continue;
            next[left] = end;
            next[middle] = -1;
            previous[end] = left;
            if (left > 0)
                Push(vocabulary, piece, previous[left], left, end, heap);
            if (end < n)
                Push(vocabulary, piece, left, end, next[end], heap);
        }
        for (var i = 0; i < n; i = next[i])
            ids.Add(vocabulary.Find(piece[i..next[i]]));
        ArrayPool<int>.Shared.Return(next);
        ArrayPool<int>.Shared.Return(previous);

        static void Push(Vocabulary vocabulary, ReadOnlySpan<byte> piece, int left, int middle, int end,
            PriorityQueue<(int, int, int), (int, int)> heap)
        {
            var rank = Rank(vocabulary, piece[left..end]);
            if (rank != int.MaxValue)
                heap.Enqueue((left, middle, end), (rank, left));
        }
    }

    static int Rank(Vocabulary vocabulary, ReadOnlySpan<byte> bytes)
    {
        var rank = vocabulary.Find(bytes);
        return rank < 0 ? int.MaxValue : rank;
    }
}
