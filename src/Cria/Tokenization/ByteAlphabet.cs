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
}
