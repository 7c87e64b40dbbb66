using System.Globalization;

namespace Cria.Tokenization;

/// <summary>
/// Cuts text into the pieces that byte-pair encoding works on: the Llama 3 split pattern as a scanner over code points
/// (a .NET Regex works on UTF-16 units and cuts letters beyond U+FFFF wrongly). Specification: spec section 5.3.
/// </summary>
static class Splitter
{
    const byte Letter = 1, Number = 2, Space = 4, NewLine = 8;

    static readonly byte[] Classes = CreateClasses();

    static byte[] CreateClasses()
    {
        var classes = new byte[0x10000];
        for (var c = 0; c < classes.Length; c++)
            classes[c] = c is >= 0xD800 and <= 0xDFFF ? (byte)0 : Classify(c);
        return classes;
    }

    static byte Classify(int codePoint)
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

    /// <summary>Class of the code point at <paramref name="i"/> and its length in UTF-16 units; a lone surrogate is "other".</summary>
    static byte ClassAt(ReadOnlySpan<char> text, int i, out int length)
    {
        var c = text[i];
        if (!char.IsHighSurrogate(c) || i + 1 >= text.Length || !char.IsLowSurrogate(text[i + 1]))
        {
            length = 1;
            return Classes[c];
        }
        length = 2;
        return Classify(char.ConvertToUtf32(c, text[i + 1]));
    }

    /// <summary>Length in UTF-16 units of the piece at the beginning of a text that is not empty.</summary>
    public static int NextPiece(ReadOnlySpan<char> text)
    {
        var first = ClassAt(text, 0, out var length);

        if (text[0] == '\'' && Contraction(text) is var contraction and > 0)
            return contraction;

        // [^\r\n\p{L}\p{N}]?\p{L}+
        if (first == Letter)
            return EndOf(text, length, Letter);
        if ((first & (NewLine | Number)) == 0 && length < text.Length && ClassAt(text, length, out _) == Letter)
            return EndOf(text, length, Letter);

        // \p{N}{1,3}
        if (first == Number)
        {
            var end = length;
            for (var n = 1; n < 3 && end < text.Length && ClassAt(text, end, out var l) == Number; n++)
                end += l;
            return end;
        }

        //  ?[^\s\p{L}\p{N}]+[\r\n]*
        var start = text[0] == ' ' && text.Length > 1 && ClassAt(text, 1, out _) == 0 ? 1 : 0;
        if (start == 1 || first == 0)
        {
            var end = EndOf(text, start, 0);
            while (end < text.Length && text[end] is '\r' or '\n')
                end++;
            return end;
        }

        // \s*[\r\n]+ | \s+(?!\S) | \s+ : all white space is one UTF-16 unit long
        int run = 0, afterNewLine = 0;
        while (run < text.Length && (Classes[text[run]] & Space) != 0)
            if ((Classes[text[run++]] & NewLine) != 0)
                afterNewLine = run;
        return afterNewLine > 0 ? afterNewLine : run == text.Length || run == 1 ? run : run - 1;
    }

    static int EndOf(ReadOnlySpan<char> text, int i, byte wanted)
    {
        while (i < text.Length && ClassAt(text, i, out var length) == wanted)
            i += length;
        return i;
    }

    /// <summary>'s 't 'm 'd 're 've 'll in any case; U+017F folds to s.</summary>
    static int Contraction(ReadOnlySpan<char> text)
    {
        if (text.Length < 2)
            return 0;
        var a = text[1] == 'ſ' ? 's' : (char)(text[1] | 0x20);
        if (text[1] < 0x80 ? a is 's' or 't' or 'm' or 'd' : a == 's')
            return 2;
        if (text.Length < 3 || text[1] >= 0x80 || text[2] >= 0x80)
            return 0;
        var b = (char)(text[2] | 0x20);
        return (a, b) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }

    /// <summary>
    /// Meta's cuts before splitting (spec 5.5): every 400,000 code points, and inside such a chunk before a run of white space or of
    /// other characters passes 25,000 code points. Returns the UTF-16 length of the first part of a text that is not empty.
    /// </summary>
    public static int NextPart(ReadOnlySpan<char> text, ref int leftInChunk)
    {
        const int chunk = 400_000, longest = 25_000;
        if (text.Length <= Math.Min(longest, leftInChunk))
        {
            leftInChunk -= text.Length; // an upper bound of the code points; the text ends here
            return text.Length;
        }
        if (leftInChunk <= 0)
            leftInChunk = chunk;
        int i = 0, run = 0;
        var inSpace = false;
        while (i < text.Length && leftInChunk > 0)
        {
            var space = (Classes[text[i]] & Space) != 0 || text[i] is >= '\u001C' and <= '\u001F'; // Python's str.isspace
            run = space == inSpace ? run + 1 : 1;
            inSpace = space;
            if (run > longest)
                return i;
            i += char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1;
            leftInChunk--;
        }
        return i;
    }
}
