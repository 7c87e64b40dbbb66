using System.Buffers;
using System.Collections.Frozen;
using System.Text;

namespace Cria.Tokenization;

/// <summary>
/// The Llama 3 tokenizer: byte-level BPE with whole-piece lookup, and control tokens that are only made from text on request.
/// Ids as Meta's reference gives them (spec section 5). Immutable; every member may be called from any number of threads.
/// </summary>
public sealed unsafe class Tokenizer
{
    readonly PieceCache _cache;
    readonly FrozenDictionary<string, int> _specialIds;
    readonly FrozenDictionary<int, byte[]> _addedBytes;
    readonly FrozenSet<int> _notText;
    readonly FrozenDictionary<string, int> _userDefined; // become tokens in any text
    readonly SpecialScanner? _all, _always;

    internal Tokenizer(Vocabulary vocabulary, IReadOnlyCollection<AddedToken> added)
    {
        Vocabulary = vocabulary;
        _cache = new PieceCache(vocabulary);
        _specialIds = Of(AddedTokenKind.Control);
        _userDefined = Of(AddedTokenKind.UserDefined);
        _addedBytes = added.ToFrozenDictionary(a => a.Id, a => Encoding.UTF8.GetBytes(a.Text));
        _notText = added.Where(a => a.Kind != AddedTokenKind.UserDefined).Select(a => a.Id).ToFrozenSet();
        _all = SpecialScanner.Create([.. _specialIds, .. _userDefined]);
        _always = SpecialScanner.Create(_userDefined);
        VocabularySize = Math.Max(vocabulary.Count, added.Count == 0 ? 0 : added.Max(a => a.Id) + 1);

        FrozenDictionary<string, int> Of(AddedTokenKind kind) => added.Where(a => a.Kind == kind).ToFrozenDictionary(a => a.Text, a => a.Id);
    }

    /// <summary>Reads `tokenizer.model`, `tokenizer.json`, or a directory that holds one of them (`tokenizer.json` first).</summary>
    /// <exception cref="CriaException">There is no such file, or it is not such a vocabulary.</exception>
    public static Tokenizer Load(string path) => TokenizerFiles.Load(path);

    /// <summary>As <see cref="Load"/>; null for a directory that holds neither file.</summary>
    /// <exception cref="CriaException">The file is not such a vocabulary.</exception>
    public static Tokenizer? LoadIfPresent(string path) => TokenizerFiles.IsIn(path) ? Load(path) : null;

    internal Vocabulary Vocabulary { get; }

    /// <summary>One more than the highest id.</summary>
    public int VocabularySize { get; }

    /// <summary>Ids below this are ordinary tokens.</summary>
    public int OrdinaryCount => Vocabulary.Count;

    /// <summary>`&lt;|begin_of_text|&gt;`.</summary>
    public int BosId => Required("<|begin_of_text|>");

    /// <summary>`&lt;|end_of_text|&gt;`, the end of base models' documents.</summary>
    public int EndOfTextId => Required("<|end_of_text|>");

    /// <summary>`&lt;|eot_id|&gt;`, the end of a turn.</summary>
    public int EotId => Required("<|eot_id|>");

    /// <summary>`&lt;|eom_id|&gt;`, the end of a message that expects a tool result.</summary>
    public int EomId => Required("<|eom_id|>");

    /// <summary>The id of a control token's text, or null.</summary>
    public int? SpecialId(string text) => _specialIds.TryGetValue(text, out var id) ? id : null;

    /// <summary>Whether an id is a control token (or one that is never used), not text.</summary>
    public bool IsSpecial(int id) => _notText.Contains(id);

    /// <summary>Whether an id is a token beside the vocabulary, of any kind.</summary>
    internal bool IsAdded(int id) => _addedBytes.ContainsKey(id);

    /// <summary>All control tokens by text.</summary>
    public IReadOnlyDictionary<string, int> Specials => _specialIds;

    /// <summary>The bytes of a token; a control token's literal text.</summary>
    /// <exception cref="CriaException">The id is outside the vocabulary.</exception>
    public ReadOnlySpan<byte> TokenBytes(int id) =>
        (uint)id < (uint)Vocabulary.Count ? Vocabulary[id]
        : _addedBytes.TryGetValue(id, out var bytes) ? bytes
        : throw new CriaException($"token id {id} is outside the vocabulary of {VocabularySize}");

    /// <summary>
    /// Ids of a text, nothing added. Text that spells a control token stays text unless <paramref name="allowSpecial"/>. A lone
    /// surrogate is encoded as U+FFFD.
    /// </summary>
    public int[] Encode(ReadOnlySpan<char> text, bool allowSpecial = false) => Encode(text, allowSpecial ? _all : _always);

    /// <summary>
    /// Ids of a text in which the control tokens named in <paramref name="allowed"/> become their ids (leftmost match first), and
    /// those named in <paramref name="forbidden"/> and not allowed are an error; all others stay text.
    /// </summary>
    /// <exception cref="CriaException">The text holds a forbidden control token, or a name is no control token.</exception>
    public int[] Encode(ReadOnlySpan<char> text, IReadOnlySet<string> allowed, IReadOnlySet<string> forbidden)
    {
        if (SpecialScanner.Create(Ids(forbidden.Except(allowed))) is { } scanner && scanner.Next(text) is { Length: > 0 } found)
            throw new CriaException($"the text holds the control token {text.Slice(found.Start, found.Length)} at {found.Start}");
        return Encode(text, allowed.Count == 0 ? _always : SpecialScanner.Create([.. Ids(allowed), .. _userDefined]));

        IReadOnlyCollection<KeyValuePair<string, int>> Ids(IEnumerable<string> names) => [.. names.Select(n => KeyValuePair.Create(n, Required(n)))];
    }

    /// <summary>The text of ids; invalid UTF-8 becomes U+FFFD for each maximal invalid part.</summary>
    /// <exception cref="CriaException">An id is outside the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false)
    {
        var bytes = new ArrayBufferWriter<byte>(ids.Length * 4 + 16);
        foreach (var id in ids)
            if (!skipSpecial || !IsSpecial(id))
                bytes.Write(TokenBytes(id));
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    int[] Encode(ReadOnlySpan<char> text, SpecialScanner? specials)
    {
        var ids = new IdBuffer(text.Length / 3 + 8);
        var leftInChunk = 0;
        while (!text.IsEmpty)
        {
            var length = Splitter.NextPart(text, ref leftInChunk);
            var part = text[..length];
            text = text[length..];
            while (specials is not null && specials.Next(part) is { Length: > 0 } found)
            {
                EncodeOrdinary(part[..found.Start], ref ids);
                ids.Add(found.Id);
                part = part[(found.Start + found.Length)..];
            }
            EncodeOrdinary(part, ref ids);
        }
        return ids.ToArrayAndReturn();
    }

    void EncodeOrdinary(ReadOnlySpan<char> text, ref IdBuffer ids)
    {
        if (text.IsEmpty)
            return;
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length) + Vocabulary.Padding);
        var count = Encoding.UTF8.GetBytes(text, buffer);
        buffer.AsSpan(count, Vocabulary.Padding).Clear();
        fixed (byte* bytes = buffer)
        {
            byte* at = bytes, end = bytes + count;
            while (at < end)
            {
                var next = Splitter.NextPiece(at, end);
                var length = (int)(next - at);
                var whole = Vocabulary.Find(at, length);
                if (whole >= 0)
                    ids.Add(whole);
                else
                    _cache.Encode(at, length, ref ids);
                at = next;
            }
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }

    int Required(string name) =>
        _specialIds.TryGetValue(name, out var id) ? id : throw new CriaException($"the vocabulary has no control token {name}");

    /// <summary>Finds control tokens in text: the leftmost, of several there the longest.</summary>
    sealed class SpecialScanner
    {
        readonly SearchValues<string> _any;
        readonly KeyValuePair<string, int>[] _longestFirst;

        SpecialScanner(IReadOnlyCollection<KeyValuePair<string, int>> ids) =>
            (_any, _longestFirst) = (SearchValues.Create([.. ids.Select(i => i.Key)], StringComparison.Ordinal), [.. ids.OrderByDescending(i => i.Key.Length)]);

        public static SpecialScanner? Create(IReadOnlyCollection<KeyValuePair<string, int>> ids) => ids.Count == 0 ? null : new(ids);

        public (int Start, int Length, int Id) Next(ReadOnlySpan<char> text)
        {
            var start = text.IndexOfAny(_any);
            if (start < 0)
                return default;
            foreach (var (name, id) in _longestFirst)
                if (text[start..].StartsWith(name, StringComparison.Ordinal))
                    return (start, name.Length, id);
            return default;
        }
    }
}
