using System.Runtime.CompilerServices;
using System.Text;
using Cria.Tokenization;

namespace Cria.Generation.Constraints;

/// <summary>
/// A vocabulary cut by what a token does inside a JSON string: plain ones are whole characters without quote, backslash or control
/// character, and are all allowed wherever as many characters of any kind are; the others are few. Made once for a vocabulary; thread-safe.
/// </summary>
sealed class TokenSlices
{
    /// <summary>Where more characters may follow than this, they are not counted.</summary>
    public const int MostCounted = 24;

    /// <summary>Stands before the text of a control token: a byte that is in no text.</summary>
    const byte Control = 0xFF;

    static readonly ConditionalWeakTable<Tokenizer, TokenSlices> Made = [];

    readonly Tokenizer _tokenizer;

    TokenSlices(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        Words = (tokenizer.VocabularySize + 63) / 64;
        var tokens = tokenizer.Specials.Select(s => (Bytes: ControlBytes(s.Key), Id: s.Value, Plain: 0)).Where(t => t.Bytes.Length <= TokenTrie.MostBytes).ToList();
        for (var id = 0; id < tokenizer.OrdinaryCount; id++)
            if (!tokenizer.IsSpecial(id) && tokenizer.TokenBytes(id) is { Length: > 0 and <= TokenTrie.MostBytes } bytes && !bytes.Contains(Control))
                tokens.Add((bytes.ToArray(), id, PlainCharacters(bytes)));
        tokens.Sort((x, y) => x.Bytes.AsSpan().SequenceCompareTo(y.Bytes) is var order and not 0 ? order : x.Id.CompareTo(y.Id));
        tokens = [.. tokens.Where((t, i) => i == 0 || !t.Bytes.AsSpan().SequenceEqual(tokens[i - 1].Bytes))];
        ByteTokens = tokens.Where(t => t.Bytes.Length == 1).ToDictionary(t => t.Bytes[0], t => t.Id);
        var longest = Math.Max(1, tokens.Count == 0 ? 0 : tokens.Max(t => t.Plain));
        Slices = [Cut(tokens, 0), .. new[] { 2, 4, 7, 11, 16, MostCounted }.Where(n => n < longest).Append(longest).Select(n => Cut(tokens, n))];
    }

    /// <summary>The tokens of single bytes.</summary>
    Dictionary<byte, int> ByteTokens { get; }

    /// <summary>64-bit words of a mask.</summary>
    public int Words { get; }

    /// <summary>By rising length of the plain tokens: those up to it as a mask, all others as a trie. The first has all in the trie.</summary>
    public IReadOnlyList<TokenSlice> Slices { get; }

    public static TokenSlices Of(Tokenizer tokenizer) => Made.GetValue(tokenizer, t => new(t));

    /// <summary>How a control token stands in a constraint's text.</summary>
    public static byte[] ControlBytes(string name) => [Control, .. Encoding.UTF8.GetBytes(name)];

    /// <summary>How a token stands in a constraint's text.</summary>
    public ReadOnlySpan<byte> BytesOf(int token) => _tokenizer.IsSpecial(token) ? (byte[])[Control, .. _tokenizer.TokenBytes(token)] : _tokenizer.TokenBytes(token);

    /// <summary>Tokens of a constraint's text; it may begin within a character, whose bytes are tokens of their own.</summary>
    public List<int> Encode(ReadOnlySpan<byte> text)
    {
        var ids = new List<int>();
        for (; !text.IsEmpty && (text[0] & 0xC0) == 0x80; text = text[1..])
            ids.Add(ByteTokens[text[0]]);
        while (text.IndexOf(Control) is var at and >= 0)
        {
            ids.AddRange(_tokenizer.Encode(Encoding.UTF8.GetString(text[..at])));
            var (name, id) = SpecialAt(text[(at + 1)..]);
            ids.Add(id);
            text = text[(at + 1 + Encoding.UTF8.GetByteCount(name))..];
        }
        return [.. ids, .. _tokenizer.Encode(Encoding.UTF8.GetString(text))];
    }

    KeyValuePair<string, int> SpecialAt(ReadOnlySpan<byte> text)
    {
        foreach (var special in _tokenizer.Specials)
            if (text.StartsWith(Encoding.UTF8.GetBytes(special.Key)))
                return special;
        throw new CriaException("the constraint asks for a control token that the vocabulary lacks");
    }

    TokenSlice Cut(List<(byte[] Bytes, int Id, int Plain)> tokens, int length)
    {
        var mask = new ulong[Words];
        foreach (var (_, id, plain) in tokens)
            if (plain > 0 && plain <= length)
                mask[id >> 6] |= 1UL << id;
        return new(length, mask, TokenTrie.Of([.. tokens.Where(t => t.Plain == 0 || t.Plain > length).Select(t => (t.Bytes, t.Id))]));
    }

    /// <summary>The number of characters, or 0 if the token is not plain.</summary>
    static int PlainCharacters(ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var length) != System.Buffers.OperationStatus.Done || rune.Value is < ' ' or '"' or '\\')
                return 0;
            count++;
            bytes = bytes[length..];
        }
        return count;
    }
}

/// <summary>A cut of the vocabulary.</summary>
/// <param name="Length">The most characters of the plain tokens in the mask.</param>
/// <param name="Plain">The mask.</param>
/// <param name="Others">All other tokens.</param>
sealed record TokenSlice(int Length, ulong[] Plain, TokenTrie Others);
