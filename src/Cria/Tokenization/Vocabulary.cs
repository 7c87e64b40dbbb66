using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Cria.Tokenization;

/// <summary>Byte strings with ranks 0..Count-1, found by content without allocation. Immutable and thread-safe.</summary>
sealed class Vocabulary
{
    readonly byte[] _bytes;     // all tokens, one after the other
    readonly int[] _starts;     // token i is _bytes[_starts[i].._starts[i + 1]]
    readonly int[] _slots;      // open addressing: token id + 1, 0 = free
    readonly uint[] _tags;      // upper hash bits of the token in the slot
    readonly int _mask;

    /// <param name="bytes">The tokens' bytes, one token after the other.</param>
    /// <param name="starts">Count + 1 offsets into <paramref name="bytes"/>.</param>
    /// <param name="duplicate">A token that occurs twice, or -1.</param>
    public Vocabulary(byte[] bytes, int[] starts, out int duplicate)
    {
        _bytes = bytes;
        _starts = starts;
        duplicate = -1;
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2 * Count));
        (_slots, _tags, _mask) = (new int[size], new uint[size], size - 1);
        for (var id = 0; id < Count; id++)
        {
            var token = this[id];
            MaxLength = Math.Max(MaxLength, token.Length);
            if (Find(token) >= 0)
                duplicate = id;
            var hash = Hash(token);
            var slot = (int)hash & _mask;
            while (_slots[slot] != 0)
                slot = (slot + 1) & _mask;
            _slots[slot] = id + 1;
            _tags[slot] = (uint)(hash >> 32);
        }
    }

    public int Count => _starts.Length - 1;

    /// <summary>Bytes of the longest token.</summary>
    public int MaxLength { get; }

    public ReadOnlySpan<byte> this[int id] => _bytes.AsSpan(_starts[id], _starts[id + 1] - _starts[id]);

    /// <summary>The rank of a byte string, or -1.</summary>
    public int Find(ReadOnlySpan<byte> token)
    {
        if (token.Length > MaxLength)
            return -1;
        var hash = Hash(token);
        var tag = (uint)(hash >> 32);
        for (var slot = (int)hash & _mask; _slots[slot] != 0; slot = (slot + 1) & _mask)
            if (_tags[slot] == tag && this[_slots[slot] - 1].SequenceEqual(token))
                return _slots[slot] - 1;
        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Hash(ReadOnlySpan<byte> token)
    {
        const ulong k = 0x9E3779B97F4A7C15;
        ref var p = ref MemoryMarshal.GetReference(token);
        var n = token.Length;
        var h = (ulong)n * k;
        if (n < 4)
        {
            if (n > 0)
                h ^= (uint)(p | Unsafe.Add(ref p, n >> 1) << 8 | Unsafe.Add(ref p, n - 1) << 16);
        }
        else if (n <= 8)
        {
            h ^= Unsafe.ReadUnaligned<uint>(ref p) | (ulong)Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref p, n - 4)) << 32;
        }
        else
        {
            for (var i = 0; i < n - 8; i += 8)
                h = (BitOperations.RotateLeft(h, 29) ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref p, i))) * k;
            h ^= Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref p, n - 8));
        }
        h *= k;
        h ^= h >> 29;
        h *= 0xBF58476D1CE4E5B9;
        return h ^ h >> 32;
    }
}
