using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;

namespace Cria.Tokenization;

/// <summary>
/// Hugging Face's `tokenizer.json` (spec 5.6), read in one pass without a document tree: `model.vocab`, `model.merges` and
/// `added_tokens` count, the rest is as every Llama 3 vocabulary has it.
/// </summary>
static class TokenizerJsonFile
{
    const int MaxSpecials = 4096, MaxSpecialCharacters = 1 << 16;

    public static Tokenizer Read(ReadOnlySpan<byte> file)
    {
        if (!Utf8.IsValid(file))
            throw new CriaException("not UTF-8");
        var json = new Utf8JsonReader(file, new JsonReaderOptions { MaxDepth = 64 });
        json.Read();
        Utf8JsonReader model = default, added = default;
        while (NextName(ref json) is { } name)
        {
            if (name == "model")
                model = Value(json, model, name, JsonTokenType.StartObject);
            else if (name == "added_tokens")
                added = Value(json, added, name, JsonTokenType.StartArray);
            json.Skip();
        }
        json.Read();
        var specials = ReadSpecials(added);
        return new Tokenizer(ReadModel(model, specials), [.. specials.Select(s => new AddedToken(s.Key, s.Value, AddedTokenKind.Control))]);
    }

    /// <summary>A reader that stands before the value of `name`; a value of null counts as missing.</summary>
    static Utf8JsonReader Value(Utf8JsonReader json, Utf8JsonReader earlier, string name, JsonTokenType type)
    {
        if (earlier.TokenType != JsonTokenType.None)
            throw new CriaException($"{name} stands twice");
        var value = json;
        value.Read();
        return value.TokenType == type ? value
            : value.TokenType == JsonTokenType.Null ? default
            : throw new CriaException($"{name} is not {(type == JsonTokenType.StartArray ? "a list" : "an object")}");
    }

    static Vocabulary ReadModel(Utf8JsonReader json, Dictionary<string, int> specials)
    {
        if (json.TokenType == JsonTokenType.None)
            throw new CriaException("model is missing");
        Utf8JsonReader vocab = default, merges = default;
        while (NextName(ref json) is { } name)
        {
            if (name == "vocab")
                vocab = Value(json, vocab, "model.vocab", JsonTokenType.StartObject);
            else if (name == "merges")
                merges = Value(json, merges, "model.merges", JsonTokenType.StartArray);
            else if (name == "type" && json.Read() && !(json.TokenType == JsonTokenType.String && json.ValueTextEquals("BPE")))
                throw new CriaException("model.type is not BPE");
            json.Skip();
        }
        if (vocab.TokenType == JsonTokenType.None)
            throw new CriaException("model.vocab is missing");
        var vocabulary = ReadVocabulary(vocab, specials);
        if (merges.TokenType != JsonTokenType.None)
            ReadMerges(merges, vocabulary);
        return vocabulary;
    }

    static Vocabulary ReadVocabulary(Utf8JsonReader json, Dictionary<string, int> specials)
    {
        var tokens = new VocabularyBuilder();
        Span<byte> token = stackalloc byte[VocabularyBuilder.MaxToken];
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var length = ReadToken(ref json, token, "model.vocab");
            if (!json.Read() || json.TokenType != JsonTokenType.Number || !json.TryGetInt32(out var id))
                throw new CriaException("model.vocab holds a token without a valid id");
            tokens.Add(id, token[..length], "model.vocab");
        }
        // Control tokens may also stand at the end of the vocabulary itself.
        var specialIds = specials.Values.ToHashSet();
        tokens.TrimEnd(specialIds.Contains);
        return specials.FirstOrDefault(s => s.Value < tokens.Count) is { Key: { } inside }
            ? throw new CriaException($"added_tokens gives {OneLine.Quote(inside)} the id of an ordinary token") : tokens.Build();
    }

    static Dictionary<string, int> ReadSpecials(Utf8JsonReader json)
    {
        var specials = new Dictionary<string, int>();
        var ids = new HashSet<int>();
        var characters = 0;
        while (json.TokenType != JsonTokenType.None && json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            var (content, id) = ReadSpecial(ref json);
            if (content.Length == 0 || !specials.TryAdd(content, id) || !ids.Add(id))
                throw new CriaException($"added_tokens holds {OneLine.Quote(content)} empty, twice or with the id of another one");
            if (specials.Count > MaxSpecials || (characters += content.Length) > MaxSpecialCharacters)
                throw new CriaException($"added_tokens holds more than {MaxSpecials} tokens or {MaxSpecialCharacters} characters");
        }
        return specials;
    }

    static (string Content, int Id) ReadSpecial(ref Utf8JsonReader json)
    {
        string? content = null;
        int? id = null;
        if (json.TokenType != JsonTokenType.StartObject)
            throw new CriaException("added_tokens holds something that is no token");
        while (NextName(ref json) is { } name)
        {
            if (!json.Read())
                break;
            if (name == "content" && content is null && json.TokenType == JsonTokenType.String && json.ValueSpan.Length <= VocabularyBuilder.MaxToken)
                content = json.GetString();
            else if (name == "id" && id is null && json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var number) && number is >= 0 and < VocabularyBuilder.MaxId)
                id = number;
            else if (name is "content" or "id")
                throw new CriaException($"added_tokens holds a token whose {name} is not valid or stands twice");
            json.Skip();
        }
        return content is not null && id is not null ? (content, id.Value) : throw new CriaException("added_tokens holds a token without content or id");
    }

    /// <summary>Merging by rank equals merging by this list only if the list is in the order of the merged tokens' ids.</summary>
    static void ReadMerges(Utf8JsonReader json, Vocabulary vocabulary)
    {
        var rules = new MergeRules(vocabulary, "model.merges");
        Span<byte> merged = stackalloc byte[VocabularyBuilder.MaxToken];
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            int middle, length;
            if (json.TokenType == JsonTokenType.String)
            {
                (middle, length) = ReadPair(ref json, merged);
            }
            else
            {
                if (json.TokenType != JsonTokenType.StartArray)
                    throw new CriaException("model.merges holds an entry that is not a pair");
                middle = ReadPart(ref json, merged);
                length = middle + ReadPart(ref json, merged[middle..]);
                if (!json.Read() || json.TokenType != JsonTokenType.EndArray)
                    throw new CriaException("model.merges holds a list of more than two");
            }
            rules.Add(merged[..middle], merged[middle..length], merged[..length]);
        }
        rules.Apply();
    }

    static int ReadPart(ref Utf8JsonReader json, scoped Span<byte> part) => json.Read() && json.TokenType == JsonTokenType.String
        ? ReadToken(ref json, part, "model.merges") : throw new CriaException("model.merges holds an entry that is not a pair of strings");

    /// <summary>A pair in one string with a space between, which no token of the byte alphabet holds.</summary>
    [SkipLocalsInit]
    static (int Middle, int Length) ReadPair(ref Utf8JsonReader json, scoped Span<byte> merged)
    {
        Span<char> text = stackalloc char[VocabularyBuilder.MaxToken + 1];
        if (json.ValueSpan.Length > text.Length)
            throw new CriaException("model.merges holds an entry that is too long");
        text = text[..json.CopyString(text)];
        var space = text.IndexOf(' ');
        if (space < 1 || space == text.Length - 1)
            throw new CriaException("model.merges holds an entry that is not a pair");
        var middle = ByteAlphabet.ToBytes(text[..space], merged, "model.merges");
        return (middle, middle + ByteAlphabet.ToBytes(text[(space + 1)..], merged[middle..], "model.merges"));
    }

    [SkipLocalsInit]
    static int ReadToken(ref Utf8JsonReader json, scoped Span<byte> token, string field)
    {
        Span<char> text = stackalloc char[VocabularyBuilder.MaxToken];
        if (json.ValueSpan.Length == 0 || json.ValueSpan.Length > text.Length)
            throw new CriaException($"{field} holds a token of {json.ValueSpan.Length} characters");
        return ByteAlphabet.ToBytes(text[..json.CopyString(text)], token, field);
    }

    /// <summary>The next name of the current object, or null at its end. Names that are not read by anybody may be as long as they like.</summary>
    static string? NextName(ref Utf8JsonReader json) =>
        !json.Read() || json.TokenType != JsonTokenType.PropertyName ? null : json.ValueSpan.Length > 64 ? "" : json.GetString();
}
