using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Cria.Tokenization;

/// <summary>Byte strings with ranks 0..Count-1, found by content without allocation. Thread-safe once it is built.</summary>
sealed unsafe class Vocabulary
{
    /// <summary>How many bytes behind a token must be readable for the lookups by pointer.</summary>
    public const int Padding = 8;

    /// <summary>A slot of the open-addressing table. Of tokens of up to 8 bytes the key is the token itself, of others its hash.</summary>
    struct Slot
    {
        public ulong Key;
        public int Length;  // 0 = free
        public int Id;
    }

    readonly byte[] _bytes;     // all tokens, one after the other
    readonly int[] _starts;     // token i is _bytes[_starts[i].._starts[i + 1]]
    readonly Slot[] _slots;
    readonly int _shift;        // the upper bits of a hash number the slots
    readonly int[] _pairs = new int[0x10000];
    readonly int[] _single = new int[256];
    HashSet<ulong>? _forbidden; // pairs of tokens that do not merge although their bytes together are a token

    /// <param name="bytes">The tokens' bytes, one token after the other; none is empty.</param>
    /// <param name="starts">Count + 1 offsets into <paramref name="bytes"/>.</param>
    /// <param name="duplicate">A token that occurs twice, or -1.</param>
    public Vocabulary(byte[] bytes, int[] starts, out int duplicate)
    {
        _bytes = bytes;
        _starts = starts;
        duplicate = -1;
        var size = BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 2 * Count));
        _slots = new Slot[size];
        _shift = 64 - BitOperations.Log2(size);
        Array.Fill(_pairs, int.MaxValue);
        Array.Fill(_single, -1);
        for (var id = 0; id < Count; id++)
        {
            var token = this[id];
            MaxLength = Math.Max(MaxLength, token.Length);
            if (Find(token) >= 0)
                duplicate = id;
            var key = Key(token);
            var slot = First(key, token.Length);
            while (_slots[slot].Length != 0)
                slot = (slot + 1) & (_slots.Length - 1);
            _slots[slot] = new Slot { Key = key, Length = token.Length, Id = id };
            if (token.Length == 1)
                _single[token[0]] = id;
            else if (token.Length == 2)
                _pairs[token[0] << 8 | token[1]] = id;
        }
    }

    public int Count => _starts.Length - 1;

    /// <summary>Bytes of the longest token.</summary>
    public int MaxLength { get; }

    public ReadOnlySpan<byte> this[int id] => _bytes.AsSpan(_starts[id], _starts[id + 1] - _starts[id]);

    /// <summary>The token of one byte, or -1.</summary>
    public int Single(byte b) => _single[b];

    /// <summary>The rank of two bytes, or int.MaxValue.</summary>
    public int Pair(byte a, byte b) => _pairs[a << 8 | b];

    /// <summary>
    /// The rank of the token that two adjacent ones merge to, or int.MaxValue; <see cref="Padding"/> bytes behind their bytes must be
    /// readable.
    /// </summary>
    public int Merge(int left, int right, byte* bytes, int length)
    {
        var rank = Find(bytes, length);
        return rank < 0 || (_forbidden is not null && _forbidden.Contains(PairKey(left, right))) ? int.MaxValue : rank;
    }

    /// <summary>Takes pairs of tokens out of the merges.</summary>
    public void Forbid(HashSet<ulong> pairs)
    {
        _forbidden = pairs;
        for (var pair = 0; pair < _pairs.Length; pair++)
            if (_pairs[pair] != int.MaxValue && pairs.Contains(PairKey(_single[pair >> 8], _single[pair & 0xFF])))
                _pairs[pair] = int.MaxValue;
    }

    /// <summary>Two tokens as one key.</summary>
    public static ulong PairKey(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    /// <summary>The rank of a byte string, or -1.</summary>
    public int Find(ReadOnlySpan<byte> token) =>
        token.Length > MaxLength || token.IsEmpty ? -1 : Find(Key(token), ref MemoryMarshal.GetReference(token), token.Length);

    /// <summary>The rank of a byte string of at least one byte, or -1; <see cref="Padding"/> bytes behind it must be readable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(byte* token, int length)
    {
        if (length > MaxLength)
            return -1;
        var key = length <= 8 ? *(ulong*)token & ulong.MaxValue >> (64 - 8 * length) : Hash(ref *token, length);
        return Find(key, ref *token, length);
    }

    int Find(ulong key, ref byte token, int length)
    {
        for (var i = First(key, length); ; i = (i + 1) & (_slots.Length - 1))
        {
            ref var slot = ref _slots[i];
            if (slot.Key == key && slot.Length == length
                && (length <= 8 || this[slot.Id].SequenceEqual(MemoryMarshal.CreateReadOnlySpan(ref token, length))))
                return slot.Id;
            if (slot.Length == 0)
                return -1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    int First(ulong key, int length) => (int)((key ^ (ulong)length << 56) * 0x9E3779B97F4A7C15 >> _shift);

    /// <summary>A hash of any byte string, good in all its bits.</summary>
    public static ulong Hash(ReadOnlySpan<byte> token)
    {
        var key = Key(token);
        return token.Length > 8 ? key : BitOperations.RotateLeft((key ^ (ulong)token.Length << 56) * 0x9E3779B97F4A7C15, 32);
    }

    static ulong Key(ReadOnlySpan<byte> token)
    {
        if (token.Length > 8)
            return Hash(ref MemoryMarshal.GetReference(token), token.Length);
        ulong key = 0;
        token.CopyTo(MemoryMarshal.AsBytes(new Span<ulong>(ref key)));
        return key;
    }

    /// <summary>Of more than 8 bytes.</summary>
    static ulong Hash(ref byte p, int n)
    {
        const ulong k = 0x9E3779B97F4A7C15;
        var h = (ulong)n * k;
        for (var i = 0; i < n - 8; i += 8)
            h = (BitOperations.RotateLeft(h, 29) ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref p, i))) * k;
        h ^= Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref p, n - 8));
        h *= k;
        h ^= h >> 29;
        h *= 0xBF58476D1CE4E5B9;
        return h ^ h >> 32;
    }
}
