using System.Numerics;

namespace Cria.Generation.Constraints;

/// <summary>A set of bytes.</summary>
readonly record struct ByteSet(ulong A, ulong B, ulong C, ulong D)
{
    public static readonly ByteSet All = new(~0UL, ~0UL, ~0UL, ~0UL);

    public static ByteSet Of(byte value) => Range(value, value);

    public static ByteSet Range(int first, int last) => From(first) & ~From(last + 1);

    static ByteSet From(int first) => new(Word(first), Word(first - 64), Word(first - 128), Word(first - 192));

    static ulong Word(int first) => first <= 0 ? ~0UL : first >= 64 ? 0 : ~0UL << first;

    public bool Contains(byte value) => ((value < 128 ? value < 64 ? A : B : value < 192 ? C : D) >> (value & 63) & 1) != 0;

    public bool IsEmpty => (A | B | C | D) == 0;

    /// <summary>The bytes at which membership changes: with 0, the starts of the runs of like bytes.</summary>
    public ByteSet Edges => new(A ^ A << 1, B ^ (B << 1 | A >> 63), C ^ (C << 1 | B >> 63), D ^ (D << 1 | C >> 63));

    /// <summary>The least member from <paramref name="start"/> on, or 256.</summary>
    public int Next(int start)
    {
        for (var word = start >> 6; word < 4; word++, start = word << 6)
            if ((word switch { 0 => A, 1 => B, 2 => C, _ => D }) >> (start & 63) is var bits and not 0)
                return start + BitOperations.TrailingZeroCount(bits);
        return 256;
    }

    public int Count => Rank(256);

    /// <summary>The number of members below a value.</summary>
    public int Rank(int below) => Part(A, below) + (below > 64 ? Part(B, below - 64) : 0) + (below > 128 ? Part(C, below - 128) + (below > 192 ? Part(D, below - 192) : 0) : 0);

    static int Part(ulong word, int below) => BitOperations.PopCount(below >= 64 ? word : word & (1UL << below) - 1);

    public static ByteSet operator |(ByteSet x, ByteSet y) => new(x.A | y.A, x.B | y.B, x.C | y.C, x.D | y.D);

    public static ByteSet operator &(ByteSet x, ByteSet y) => new(x.A & y.A, x.B & y.B, x.C & y.C, x.D & y.D);

    public static ByteSet operator ~(ByteSet x) => new(~x.A, ~x.B, ~x.C, ~x.D);
}
