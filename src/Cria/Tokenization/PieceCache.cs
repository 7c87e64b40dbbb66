namespace Cria.Tokenization;

/// <summary>
/// Remembers the ids of short pieces that needed merging: one entry a slot, the last one wins, so that the memory is bounded.
/// Entries are immutable and published whole; any number of threads may use it.
/// </summary>
sealed unsafe class PieceCache(Vocabulary vocabulary)
{
    const int Slots = 1 << 12, Longest = 48;

    sealed class Entry(byte[] piece, int[] ids)
    {
        public readonly byte[] Piece = piece;
        public readonly int[] Ids = ids;
    }

    readonly Entry?[] _entries = new Entry?[Slots];

    /// <summary>Appends the ids of a piece that is no token itself; see <see cref="BytePairEncoder"/> for its bytes.</summary>
    public void Encode(byte* piece, int length, ref IdBuffer ids)
    {
        if (length is <= 2 or > Longest)
        {
            BytePairEncoder.Merge(vocabulary, piece, length, ref ids);
            return;
        }
        var bytes = new ReadOnlySpan<byte>(piece, length);
        ref var slot = ref _entries[Vocabulary.Hash(bytes) >> 32 & Slots - 1];
        if (slot is { } entry && bytes.SequenceEqual(entry.Piece))
        {
            ids.Add(entry.Ids);
            return;
        }
        var before = ids.Count;
        BytePairEncoder.Merge(vocabulary, piece, length, ref ids);
        slot = new Entry(bytes.ToArray(), ids.Since(before).ToArray());
    }
}
