using System.Text;

namespace Cria.Tokenization;

/// <summary>
/// Turns ids into text one by one and never emits half a character: incomplete UTF-8 is held back until it completes, becomes
/// invalid (then U+FFFD for each maximal invalid part) or the stream ends. One instance per stream; not thread-safe.
/// </summary>
/// <param name="tokenizer">Whose ids these are.</param>
/// <param name="skipSpecial">Special tokens contribute nothing instead of their literal text.</param>
public sealed class StreamingDecoder(Tokenizer tokenizer, bool skipSpecial = false)
{
    byte[] _held = new byte[64];
    int _count;

    /// <summary>The text that becomes certain with this id; often empty in the middle of a character.</summary>
    /// <exception cref="CriaException">The id is outside the vocabulary.</exception>
    public string Push(int id)
    {
        if (skipSpecial && tokenizer.IsSpecial(id))
            return "";
        var bytes = tokenizer.TokenBytes(id);
        if (_count + bytes.Length > _held.Length)
            Array.Resize(ref _held, 2 * (_count + bytes.Length));
        bytes.CopyTo(_held.AsSpan(_count));
        _count += bytes.Length;
        return Release(_count - UnfinishedTail(_held.AsSpan(0, _count)));
    }

    /// <summary>What is left at the end: U+FFFD if the stream stopped inside a character.</summary>
    public string Flush() => Release(_count);

    string Release(int count)
    {
        var text = Encoding.UTF8.GetString(_held, 0, count);
        _held.AsSpan(count.._count).CopyTo(_held);
        _count -= count;
        return text;
    }

    /// <summary>How many bytes at the end may still become a character. ED A0..BF counts, as in the reference's decoder, although it cannot.</summary>
    static int UnfinishedTail(ReadOnlySpan<byte> bytes)
    {
        for (var n = 1; n <= Math.Min(3, bytes.Length); n++)
        {
            var lead = bytes[^n];
            if (lead is >= 0x80 and < 0xC0)
                continue;
            var length = lead switch { >= 0xC2 and < 0xE0 => 2, >= 0xE0 and < 0xF0 => 3, >= 0xF0 and < 0xF5 => 4, _ => 1 };
            if (n >= length)
                return 0;
            if (n > 1 && (lead, bytes[^(n - 1)]) is (0xE0, < 0xA0) or (0xF0, < 0x90) or (0xF4, > 0x8F))
                return 0;
            return n;
        }
        return 0;
    }
}
