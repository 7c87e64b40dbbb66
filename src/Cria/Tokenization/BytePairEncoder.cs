using System.Buffers;
using System.Runtime.CompilerServices;

namespace Cria.Tokenization;

/// <summary>
/// Merges the bytes of a piece: the adjacent pair that merges to the token of the lowest rank first, leftmost on ties, until no
/// pair merges (spec section 5.4). The bytes are followed by <see cref="Vocabulary.Padding"/> readable ones.
/// </summary>
static unsafe class BytePairEncoder
{
    const int ShortPiece = 96; // up to here a scan over all pairs is faster than a heap

    /// <summary>Appends the ids of a piece that is no token itself. Returns how many pairs were looked up: the measure of the work.</summary>
    public static int Merge(Vocabulary vocabulary, byte* piece, int length, ref IdBuffer ids) =>
        length <= ShortPiece ? MergeShort(vocabulary, piece, length, ref ids) : MergeLong(vocabulary, piece, length, ref ids);

    [SkipLocalsInit]
    static int MergeShort(Vocabulary vocabulary, byte* piece, int length, ref IdBuffer ids)
    {
        // Part i is piece[starts[i]..starts[i + 1]], token tokens[i]; ranks[i] is that of parts i and i + 1 together.
        var starts = stackalloc int[ShortPiece + 1];
        var tokens = stackalloc int[ShortPiece];
        var ranks = stackalloc int[ShortPiece];
        var (parts, lookups) = (length, length - 1);
        for (var i = 0; i < parts; i++)
            (starts[i], tokens[i]) = (i, vocabulary.Single(piece[i]));
        starts[parts] = length;
        for (var i = 0; i < parts - 1; i++)
            ranks[i] = vocabulary.Pair(piece[i], piece[i + 1]);
        while (parts > 1)
        {
            var (best, rank) = (0, ranks[0]);
            for (var i = 1; i < parts - 1; i++)
                if (ranks[i] < rank)
                    (best, rank) = (i, ranks[i]);
            if (rank == int.MaxValue)
                break;
            tokens[best] = rank;
            parts--;
            for (var i = best + 1; i < parts; i++)
                (starts[i], tokens[i], ranks[i - 1]) = (starts[i + 1], tokens[i + 1], ranks[i]);
            starts[parts] = length;
            if (best < parts - 1)
                ranks[best] = vocabulary.Merge(rank, tokens[best + 1], piece + starts[best], starts[best + 2] - starts[best]);
            if (best > 0)
                ranks[best - 1] = vocabulary.Merge(tokens[best - 1], rank, piece + starts[best - 1], starts[best + 1] - starts[best - 1]);
            lookups += 2;
        }
        ids.Add(new ReadOnlySpan<int>(tokens, parts));
        return lookups;
    }

    /// <summary>The same with a linked list and a heap: n log n also for a megabyte of one letter.</summary>
    static int MergeLong(Vocabulary vocabulary, byte* piece, int length, ref IdBuffer ids)
    {
        // Of the part that starts at i: where the next and the previous start, its token, its rank together with the next.
        var rented = ArrayPool<int>.Shared.Rent(4 * (length + 1));
        fixed (int* next = rented)
        {
            int* previous = next + length + 1, tokens = previous + length + 1, ranks = tokens + length + 1;
            var heap = new MergeHeap(length);
            var lookups = length - 1;
            for (var i = 0; i < length; i++)
            {
                (next[i], previous[i], tokens[i]) = (i + 1, i - 1, vocabulary.Single(piece[i]));
                ranks[i] = i + 1 < length ? vocabulary.Pair(piece[i], piece[i + 1]) : int.MaxValue;
                if (ranks[i] != int.MaxValue)
                    heap.Push(ranks[i], i);
            }
            while (heap.TryPop(out var rank, out var left))
            {
                if (ranks[left] != rank) // merged meanwhile, or it has another neighbour
                    continue;
                int middle = next[left], end = next[middle];
                tokens[left] = rank;
                next[left] = end;
                ranks[middle] = ranks[left] = int.MaxValue;
                if (end < length)
                {
                    previous[end] = left;
                    lookups++;
                    ranks[left] = vocabulary.Merge(rank, tokens[end], piece + left, next[end] - left);
                    if (ranks[left] != int.MaxValue)
                        heap.Push(ranks[left], left);
                }
                if (left > 0)
                {
                    var before = previous[left];
                    lookups++;
                    ranks[before] = vocabulary.Merge(tokens[before], rank, piece + before, end - before);
                    if (ranks[before] != int.MaxValue)
                        heap.Push(ranks[before], before);
                }
            }
            for (var i = 0; i < length; i = next[i])
                ids.Add(tokens[i]);
            heap.Return();
            ArrayPool<int>.Shared.Return(rented);
            return lookups;
        }
    }
}
