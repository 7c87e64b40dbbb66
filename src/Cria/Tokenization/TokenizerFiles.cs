using System.Buffers.Text;
using System.Text.Json;

namespace Cria.Tokenization;

/// <summary>Reads `tokenizer.model` (tiktoken's text form, spec 5.1) and `tokenizer.json` (Hugging Face, spec 5.6).</summary>
static class TokenizerFiles
{
    const int MaxTokens = 1 << 22;
    const long MaxFile = 1L << 28;

    public static Tokenizer Load(string path)
    {
        if (Directory.Exists(path))
        {
            var inside = new[] { "tokenizer.json", "tokenizer.model" }.Select(f => Path.Combine(path, f)).FirstOrDefault(File.Exists);
            path = inside ?? throw new CriaException($"{path}: no tokenizer.json and no tokenizer.model");
        }
        byte[] bytes;
        try
        {
            var length = new FileInfo(path).Length;
            if (length > MaxFile)
                throw new CriaException($"{path}: {length} bytes are too many for a vocabulary");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CriaException($"{path}: {e.Message}", e);
        }
        try
        {
            var first = bytes.AsSpan().IndexOfAnyExcept(" \t\r\n"u8);
            return first >= 0 && bytes[first] == '{' ? ReadJson(bytes) : ReadModel(bytes);
        }
        catch (Exception e) when (e is CriaException or JsonException or InvalidOperationException or FormatException)
        {
            throw new CriaException($"{path}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Lines of `base64 rank`, ranks 0, 1, 2, ... The control tokens follow the last rank, with Meta's names.</summary>
    static Tokenizer ReadModel(ReadOnlySpan<byte> file)
    {
        var bytes = new byte[file.Length];
        var starts = new List<int> { 0 };
        var line = 0;
        while (!file.IsEmpty)
        {
            line++;
            var end = file.IndexOf((byte)'\n');
            var text = (end < 0 ? file : file[..end]).TrimEnd((byte)'\r');
            file = end < 0 ? [] : file[(end + 1)..];
            if (text.IsEmpty)
                continue;
            var space = text.IndexOf((byte)' ');
            if (space < 1 || !Utf8Parser.TryParse(text[(space + 1)..], out int rank, out var used) || used != text.Length - space - 1)
                throw new CriaException($"line {line} is not `base64 rank`");
            if (rank != starts.Count - 1)
                throw new CriaException($"line {line} has rank {rank} where {starts.Count - 1} is due");
            var status = Base64.DecodeFromUtf8(text[..space], bytes.AsSpan(starts[^1]), out _, out var written);
            if (status != System.Buffers.OperationStatus.Done || written == 0)
                throw new CriaException($"line {line} holds no valid base64");
            starts.Add(starts[^1] + written);
        }
        var vocabulary = Create(bytes[..starts[^1]], starts);
        return new Tokenizer(vocabulary, SpecialTokens.Meta.Select((name, i) => KeyValuePair.Create(name, vocabulary.Count + i)));
    }

    static Tokenizer ReadJson(byte[] file)
    {
        using var document = JsonDocument.Parse(file, new JsonDocumentOptions { MaxDepth = 64 });
        var model = Property(document.RootElement, "model", JsonValueKind.Object);
        if (model.TryGetProperty("type", out var type) && type.GetString() is var kind and not "BPE")
            throw new CriaException($"model.type is {kind}, only BPE is read");
        var vocab = Property(model, "vocab", JsonValueKind.Object);

        var tokens = new List<byte[]?>();
        var scratch = new byte[16];
        foreach (var entry in vocab.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out var id) || id < 0 || id >= MaxTokens || id > file.Length)
                throw new CriaException($"model.vocab gives {Show(entry.Name)} no valid id");
            while (tokens.Count <= id)
                tokens.Add(null);
            if (tokens[id] is not null)
                throw new CriaException($"model.vocab has id {id} twice");
            tokens[id] = FromCharacters(entry.Name, "model.vocab");
        }

        var specials = new Dictionary<string, int>();
        if (document.RootElement.TryGetProperty("added_tokens", out var added) && added.ValueKind != JsonValueKind.Null)
        {
            if (added.ValueKind != JsonValueKind.Array)
                throw new CriaException("added_tokens is not an array");
            foreach (var token in added.EnumerateArray())
            {
                if (token.ValueKind != JsonValueKind.Object || !token.TryGetProperty("id", out var number) || number.ValueKind != JsonValueKind.Number
                    || !number.TryGetInt32(out var id) || id < 0 || id >= MaxTokens)
                    throw new CriaException("added_tokens holds an entry without a valid id");
                var content = Property(token, "content", JsonValueKind.String).GetString()!;
                if (content.Length == 0 || !specials.TryAdd(content, id))
                    throw new CriaException($"added_tokens holds {Show(content)} twice or empty");
            }
        }
        if (specials.Values.Distinct().Count() != specials.Count)
            throw new CriaException("added_tokens holds an id twice");
        // Control tokens may also stand at the end of the vocabulary itself.
        while (tokens.Count > 0 && (tokens[^1] is null || specials.ContainsValue(tokens.Count - 1)))
            tokens.RemoveAt(tokens.Count - 1);
        if (tokens.IndexOf(null) is var hole and >= 0)
            throw new CriaException($"model.vocab has no token with id {hole}");
        if (specials.FirstOrDefault(s => s.Value < tokens.Count) is { Key: { } inside })
            throw new CriaException($"added_tokens gives {Show(inside)} the id of an ordinary token");

        var starts = new List<int>(tokens.Count + 1) { 0 };
        foreach (var token in tokens)
            starts.Add(checked(starts[^1] + token!.Length));
        var bytes = new byte[starts[^1]];
        for (var i = 0; i < tokens.Count; i++)
            tokens[i]!.CopyTo(bytes, starts[i]);
        var vocabulary = Create(bytes, starts);
        if (model.TryGetProperty("merges", out var merges))
            CheckMerges(merges, vocabulary);
        return new Tokenizer(vocabulary, specials);
    }

    /// <summary>Merging by rank equals merging by this list only if the list is in the order of the merged tokens' ids.</summary>
    static void CheckMerges(JsonElement merges, Vocabulary vocabulary)
    {
        if (merges.ValueKind != JsonValueKind.Array)
            throw new CriaException("model.merges is not an array");
        var last = -1;
        foreach (var merge in merges.EnumerateArray())
        {
            string left, right;
            if (merge.ValueKind == JsonValueKind.String && merge.GetString()!.Split(' ') is [var a, var b])
                (left, right) = (a, b);
            else if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2
                && merge[0].ValueKind == JsonValueKind.String && merge[1].ValueKind == JsonValueKind.String)
                (left, right) = (merge[0].GetString()!, merge[1].GetString()!);
            else
                throw new CriaException("model.merges holds an entry that is not a pair");
            var id = vocabulary.Find(FromCharacters(left + right, "model.merges"));
            if (id < 0)
                throw new CriaException($"model.merges makes {Show(left + right)}, which model.vocab lacks");
            if (id < last)
                throw new CriaException($"model.merges is not in the order of the ids at {Show(left + right)}: not a Llama 3 vocabulary");
            last = id;
        }
    }

    static Vocabulary Create(byte[] bytes, List<int> starts)
    {
        if (starts.Count < 2)
            throw new CriaException("no tokens");
        var vocabulary = new Vocabulary(bytes, [.. starts], out var duplicate);
        if (duplicate >= 0)
            throw new CriaException($"token {duplicate} has the same bytes as an earlier one");
        Span<byte> one = stackalloc byte[1];
        for (var b = 0; b < 256; b++)
        {
            one[0] = (byte)b;
            if (vocabulary.Find(one) < 0)
                throw new CriaException($"no token for the byte 0x{b:X2}");
        }
        return vocabulary;
    }

    /// <summary>GPT-2's alphabet: the printable bytes stand for themselves, the other 68 for U+0100 on.</summary>
    static byte[] FromCharacters(string text, string field)
    {
        var bytes = new byte[text.Length];
        for (var i = 0; i < text.Length; i++)
            bytes[i] = ByteAlphabet.TryGetByte(text[i], out var b) ? b
                : throw new CriaException($"{field} holds {Show(text)}, which is not in the byte alphabet");
        return bytes;
    }

    static JsonElement Property(JsonElement element, string name, JsonValueKind kind) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value : throw new CriaException($"{name} is missing or not of type {kind.ToString().ToLowerInvariant()}");

    static string Show(string text) => "\"" + (text.Length > 40 ? text[..40] + "..." : text).ReplaceLineEndings(" ") + "\"";
}
