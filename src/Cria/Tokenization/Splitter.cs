using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Cria.Tokenization;

/// <summary>
/// Cuts text into the pieces that byte-pair encoding works on: the Llama 3 split pattern as a scanner over the code points of
/// UTF-8 (a .NET Regex works on UTF-16 units and cuts letters beyond U+FFFF wrongly). Specification: spec section 5.3.
/// </summary>
static unsafe class Splitter
{
    /// <summary>Classes of the pattern; 0 is everything else. Multi marks the first byte of a longer code point.</summary>
    public const byte Letter = 1, Number = 2, Space = 4, NewLine = 8, Multi = 16;

    static readonly byte[] Classes = CreateClasses();
    static readonly byte[] ByteClasses = [.. Enumerable.Range(0, 256).Select(b => b < 0x80 ? Classes[b] : Multi)];

    static byte[] CreateClasses()
    {
        var classes = new byte[0x10000];
        for (var c = 0; c < classes.Length; c++)
            classes[c] = c is >= 0xD800 and <= 0xDFFF ? (byte)0 : Classify(c);
        return classes;
    }

    /// <summary>The class of a code point that is no surrogate.</summary>
    public static byte Classify(int codePoint)
    {
        if (codePoint is '\r' or '\n')
            return Space | NewLine;
        if (codePoint is (>= 0x09 and <= 0x0D) or 0x20 or 0x85 or 0xA0 or 0x1680 or (>= 0x2000 and <= 0x200A) or 0x2028 or 0x2029
            or 0x202F or 0x205F or 0x3000)
            return Space;
        return CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Number,
            _ => 0,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static byte ClassOf(byte b) => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(ByteClasses), b);

    /// <summary>Class and length in bytes of a code point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static byte ClassAt(byte* p, out int length)
    {
        length = 1;
        var c = ClassOf(*p);
        return c != Multi ? c : LongClassAt(p, out length);
    }

    static byte LongClassAt(byte* p, out int length)
    {
        var lead = *p;
        if (lead < 0xE0)
        {
            length = 2;
            return Classes[(lead & 0x1F) << 6 | p[1] & 0x3F];
        }
        if (lead < 0xF0)
        {
            length = 3;
            return Classes[(lead & 0x0F) << 12 | (p[1] & 0x3F) << 6 | p[2] & 0x3F];
        }
        length = 4;
        return Classify((lead & 0x07) << 18 | (p[1] & 0x3F) << 12 | (p[2] & 0x3F) << 6 | p[3] & 0x3F);
    }

    /// <summary>End of the piece that begins at <paramref name="at"/>, which is before <paramref name="end"/>. The bytes are valid UTF-8, and *end is 0.</summary>
    public static byte* NextPiece(byte* at, byte* end)
    {
        var first = ClassAt(at, out var length);

        // [^\r\n\p{L}\p{N}]?\p{L}+, after the contractions
        if (first == Letter)
            return Letters(at + length);
        if (*at == '\'' && Contraction(at) is var contraction and > 0)
            return at + contraction;
        var second = at + length;
        var next = second < end ? ClassAt(second, out length) : NewLine;
        if (next == Letter && (first & (NewLine | Number)) == 0)
            return Letters(second + length);

        // \p{N}{1,3}
        if (first == Number)
        {
            if (next != Number)
                return second;
            var third = second + length;
            return third < end && ClassAt(third, out length) == Number ? third + length : third;
        }

        //  ?[^\s\p{L}\p{N}]+[\r\n]*
        if (first == 0 || *at == ' ' && next == 0)
        {
            var p = second;
            while (p < end && ClassAt(p, out length) == 0)
                p += length;
            while (*p is (byte)'\r' or (byte)'\n')
                p++;
            return p;
        }

        // \s*[\r\n]+ | \s+(?!\S) | \s+
        byte* run = at, last = at, afterNewLine = null;
        while (run < end && ClassAt(run, out length) is var c && (c & Space) != 0)
        {
            last = run;
            run += length;
            if ((c & NewLine) != 0)
                afterNewLine = run;
        }
        return afterNewLine != null ? afterNewLine : run == end || last == at ? run : last;
    }

    /// <summary>The end of a run of letters; the 0 behind the text stops it.</summary>
    static byte* Letters(byte* p)
    {
        while (true)
        {
            byte c;
            while ((c = ClassOf(*p)) == Letter)
                p++;
            if (c != Multi || LongClassAt(p, out var length) != Letter)
                return p;
            p += length;
        }
    }

    /// <summary>Bytes of 's 't 'm 'd 're 've 'll in any case; U+017F, in UTF-8 C5 BF, folds to s.</summary>
    static int Contraction(byte* p)
    {
        if (p[1] >= 0x80)
            return p[1] == 0xC5 && p[2] == 0xBF ? 3 : 0;
        var a = (char)(p[1] | 0x20);
        if (a is 's' or 't' or 'm' or 'd')
            return 2;
        return p[2] < 0x80 && (a, (char)(p[2] | 0x20)) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }

    const int Chunk = 400_000, Longest = 25_000;

    /// <summary>
    /// Meta's cuts before splitting (spec 5.5): every 400,000 code points, and inside such a chunk before a run of white space or of
    /// other characters passes 25,000 code points. Returns the UTF-16 length of the first part of a text that is not empty.
    /// </summary>
    /// <param name="text">What is left of the whole text.</param>
    /// <param name="leftInChunk">Code points until the next cut; 0 at first and kept between the calls.</param>
    public static int NextPart(ReadOnlySpan<char> text, ref int leftInChunk)
    {
        if (leftInChunk == 0)
            leftInChunk = Chunk;
        var most = Math.Min(text.Length, leftInChunk);
        if (most == text.Length && most <= Longest || text[..most].IndexOfAnyInRange('\uD800', '\uDFFF') < 0 && !HasLongRun(text[..most]))
        {
            leftInChunk -= most;
            return most;
        }
        int i = 0, run = 0;
        var inSpace = false;
        while (i < text.Length && leftInChunk > 0)
        {
            var space = IsSpace(text[i]);
            run = space == inSpace ? run + 1 : 1;
            inSpace = space;
            if (run > Longest)
                return i;
            i += char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1;
            leftInChunk--;
        }
        return i;
    }

    /// <summary>Looks for the last change of class in each stretch of 25,000, so that ordinary text is hardly touched.</summary>
    static bool HasLongRun(ReadOnlySpan<char> text)
    {
        for (var start = 0; text.Length - start > Longest;)
        {
            var i = start + Longest;
            while (i > start && IsSpace(text[i]) == IsSpace(text[i - 1]))
                i--;
            if (i == start)
                return true;
            start = i;
        }
        return false;
    }

    /// <summary>Python's str.isspace.</summary>
    static bool IsSpace(char c) => (Classes[c] & Space) != 0 || c is >= '\u001C' and <= '\u001F';
}
