namespace Cria.Generation.Constraints;

enum RegularKind : byte { Nothing, Empty, Bytes, Literal, Concat, Or, And, Not, Repeat, Multiple }

/// <summary>Whether a language has a word at all, as far as it is known.</summary>
enum Life : byte { Unknown, Alive, Dead }

/// <summary>
/// A regular language over bytes as an expression, and at once the state of a deterministic automaton: what may still follow. Stepping
/// over a byte gives its derivative (Brzozowski 1964). Made by <see cref="Regulars"/>, which makes equal expressions one object.
/// </summary>
sealed class Regular
{
    public const int Unbounded = int.MaxValue;

    public static readonly Regular Nothing = new() { Kind = RegularKind.Nothing, Life = Life.Dead, Least = long.MaxValue, IsFinite = true };
    public static readonly Regular Empty = new() { Kind = RegularKind.Empty, Id = 1, IsNullable = true, Life = Life.Alive, IsFinite = true };

    public required RegularKind Kind { get; init; }

    public int Id { get; set; }

    /// <summary>Of <see cref="RegularKind.Bytes"/>.</summary>
    public ByteSet Set { get; init; }

    /// <summary>Of a literal, from <see cref="Min"/> on; <see cref="Right"/> follows.</summary>
    public byte[]? Text { get; init; }

    public Regular? Left { get; init; }

    public Regular? Right { get; init; }

    public Regular[] Parts { get; init; } = [];

    /// <summary>Of a repetition. Of a literal: the place in the text. Of a multiple: its scale, and in Max the digits after the point that still count, or -1 before it.</summary>
    public int Min { get; init; }

    public int Max { get; init; }

    public long Divisor { get; init; }

    public long Remainder { get; init; }

    /// <summary>Whether the empty word belongs to it.</summary>
    public bool IsNullable { get; set; }

    /// <summary>Whether it may be empty though no part of it is: it holds intersections, complements or multiples.</summary>
    public bool IsGuarded { get; set; }

    /// <summary>Whether it has finitely many words, as far as its form tells.</summary>
    public bool IsFinite { get; init; }

    /// <summary>A superset of the first bytes of its words.</summary>
    public ByteSet First { get; set; }

    /// <summary>The edges of runs of bytes with one derivative.</summary>
    public ByteSet Edges { get; set; }

    /// <summary>Bytes of its shortest word, or fewer if guarded.</summary>
    public long Least { get; set; }

    public Life Life { get; set; }

    /// <summary>The derivatives by run of bytes as far as they are known.</summary>
    public Regular?[]? Next { get; set; }

    /// <summary>The run of each byte; shared by all that have the same edges.</summary>
    public byte[]? Runs { get; set; }

    /// <summary>What may follow a plain character, each of which may come; empty if one may not.</summary>
    public Regular[]? AfterCharacter { get; set; }

    /// <summary>The vocabulary's tokens from here.</summary>
    public Reach? Reach { get; set; }

    /// <summary>Bytes of the shortest word once known.</summary>
    public long? Shortest { get; set; }
}
