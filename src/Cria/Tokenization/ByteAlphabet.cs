using System.Runtime.CompilerServices;
using System.Text;

namespace Cria.Tokenization;

/// <summary>
/// GPT-2's one-to-one alphabet of bytes: 0x21-0x7E, 0xA1-0xAC and 0xAE-0xFF stand for themselves, the other 68 bytes in ascending
/// order for U+0100 on. The same order numbers the single bytes of a Llama 3 vocabulary (spec 5.1, 5.6).
/// </summary>
public static class ByteAlphabet
{
    static readonly char[] Characters = new char[256];
    static readonly short[] Bytes = new short[0x144];

    static ByteAlphabet()
    {
        Array.Fill(Bytes, (short)-1);
        var printable = Enumerable.Range(0, 256).Where(b => b is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE).ToList();
        var others = Enumerable.Range(0, 256).Except(printable).ToList();
        foreach (var b in printable)
            Characters[b] = (char)b;
        for (var i = 0; i < others.Count; i++)
            Characters[others[i]] = (char)(0x100 + i);
        for (var b = 0; b < 256; b++)
            Bytes[Characters[b]] = (short)b;
        Order = [.. printable.Concat(others).Select(b => (byte)b)];
    }

    /// <summary>The bytes in the order of ids 0-255.</summary>
    public static IReadOnlyList<byte> Order { get; }

    /// <summary>The character that stands for a byte.</summary>
    public static char ToChar(byte b) => Characters[b];

    /// <summary>The byte a character stands for.</summary>
    public static bool TryGetByte(char c, out byte b)
    {
        var found = c < Bytes.Length ? Bytes[c] : (short)-1;
        b = (byte)found;
        return found >= 0;
    }

    /// <summary>The bytes that a text of this alphabet stands for; returns how many.</summary>
    /// <param name="text">UTF-16.</param>
    /// <param name="bytes">Gets them.</param>
    /// <param name="field">Where the text stands, for errors.</param>
    /// <exception cref="CriaException">It is longer than <paramref name="bytes"/>, or not of this alphabet.</exception>
    internal static int ToBytes(ReadOnlySpan<char> text, Span<byte> bytes, string field)
    {
        if (text.Length > bytes.Length)
            throw new CriaException($"{field} holds a token that is too long");
        for (var i = 0; i < text.Length; i++)
            bytes[i] = TryGetByte(text[i], out var b) ? b
                : throw new CriaException($"{field} holds {OneLine.Quote(text.ToString())}, which is not in the byte alphabet");
        return text.Length;
    }

    /// <summary>The same of UTF-8.</summary>
    /// <exception cref="CriaException">It is empty, longer than a token may be, or not of this alphabet.</exception>
    [SkipLocalsInit]
    internal static int ToBytes(ReadOnlySpan<byte> text, Span<byte> bytes, string field)
    {
        Span<char> characters = stackalloc char[VocabularyBuilder.MaxToken];
        return text.Length > 0 && Encoding.UTF8.TryGetChars(text, characters, out var count) ? ToBytes(characters[..count], bytes, field)
            : throw new CriaException($"{field} holds a token of {text.Length} bytes");
    }
}
