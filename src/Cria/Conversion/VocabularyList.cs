using System.Text;
using System.Text.Json;
using Cria.Formats;
using Cria.Tokenization;

namespace Cria.Conversion;

/// <summary>A vocabulary as GGUF lists it: tokens by id with their kinds, merges in order.</summary>
/// <param name="Tokens">By id; ordinary ones in the byte alphabet.</param>
/// <param name="Kinds">1 ordinary, 3 control, 4 user-defined, 5 unused.</param>
/// <param name="Merges">Pairs with a space between.</param>
sealed record VocabularyList(string[] Tokens, int[] Kinds, IReadOnlyCollection<string> Merges)
{
    public const int Normal = 1, Control = 3, UserDefined = 4, Unused = 5;

    /// <summary>The vocabulary of a model; ids that it lacks of those the embedding has are unused. Null where there is none.</summary>
    /// <exception cref="CriaException">It is not valid, or has more tokens than the embedding.</exception>
    public static VocabularyList? Read(Checkpoint model) => Read(model.Path, model.Config);

    /// <summary>The vocabulary in a file or directory for a model of some configuration.</summary>
    /// <exception cref="CriaException">It is not valid, or has more tokens than the embedding.</exception>
    public static VocabularyList? Read(string path, ModelConfig config)
    {
        if (!GgufFile.Is(path))
            return ReadFiles(path, config);
        using var file = GgufFile.Open(path);
        if (GgufTokenizer.Read(file) is null)
            return null;
        var tokens = Texts(file, "tokenizer.ggml.tokens"); // checked by the tokenizer
        var kinds = file.List("tokenizer.ggml.token_type", GgufType.I32);
        return new(tokens, [.. Enumerable.Range(0, tokens.Length).Select(id => (int)(kinds?.Integer(id) ?? Normal))], Texts(file, "tokenizer.ggml.merges"));
    }

    static string[] Texts(GgufFile file, string key)
    {
        if (file.List(key, GgufType.String) is not { } list)
            return [];
        var (texts, at) = (new string[list.Count], list.Data);
        for (var i = 0; i < texts.Length; i++)
            texts[i] = Encoding.UTF8.GetString(GgufValue.NextText(ref at));
        return texts;
    }

    static VocabularyList? ReadFiles(string path, ModelConfig config)
    {
        if (ModelTokenizer.LoadIfPresent(path) is not { } tokenizer)
            return null;
        var json = Directory.Exists(path) ? Path.Combine(path, "tokenizer.json") : path;
        var bytes = File.Exists(json) ? File.ReadAllBytes(json) : [];
        using var document = bytes.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..] ? JsonDocument.Parse(bytes) : null; // checked by the tokenizer
        var isMeta = config.Vision is not null && document is null && tokenizer.VocabularySize == config.VocabularySize;
        var count = isMeta || config.Vision is not null && tokenizer.VocabularySize == config.ImageTokenId + 1 ? config.VocabularySize + 1 : config.VocabularySize;
        if (tokenizer.VocabularySize > count)
            throw new CriaException($"{path}: {tokenizer.VocabularySize} tokens for an embedding of {count}");
        var (tokens, kinds) = (new string[count], new int[count]);
        for (var id = 0; id < count; id++)
        {
            (tokens[id], kinds[id]) = id < tokenizer.OrdinaryCount ? (Text(tokenizer.TokenBytes(id)), Normal)
                : id < tokenizer.VocabularySize && tokenizer.IsAdded(id) ? (Encoding.UTF8.GetString(tokenizer.TokenBytes(id)), Control) : ($"[PAD{id}]", Unused);
        }
        if (isMeta)
        {
            // Meta has the token of an image among the others; Hugging Face and Ollama have it behind them, where the embedding does.
            SpecialTokens.HuggingFace.CopyTo(tokens, tokenizer.OrdinaryCount);
            (tokens[^1], kinds[^1]) = (SpecialTokens.Image, Control);
        }
        if (document is not null)
            foreach (var added in document.RootElement.GetProperty("added_tokens").EnumerateArray())
                if (added.TryGetProperty("special", out var special) && special.ValueKind == JsonValueKind.False)
                    kinds[added.GetProperty("id").GetInt32()] = UserDefined;
        return new VocabularyList(tokens, kinds, document is null ? AllSplits(tokenizer.Vocabulary) : Listed(document));
    }

    static List<string> Listed(JsonDocument document) => !document.RootElement.GetProperty("model").TryGetProperty("merges", out var merges) ? []
        : [.. merges.EnumerateArray().Select(m => m.ValueKind == JsonValueKind.String ? m.GetString()! : $"{m[0].GetString()} {m[1].GetString()}")];

    /// <summary>What merging by rank means: every split of every token into two others.</summary>
    static List<string> AllSplits(Vocabulary vocabulary)
    {
        var merges = new List<string>();
        for (var id = 0; id < vocabulary.Count; id++)
        {
            var token = vocabulary[id];
            for (var middle = 1; middle < token.Length; middle++)
                if (vocabulary.Find(token[..middle]) >= 0 && vocabulary.Find(token[middle..]) >= 0)
                    merges.Add($"{Text(token[..middle])} {Text(token[middle..])}");
        }
        return merges;
    }

    static string Text(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (var b in bytes)
            text.Append(ByteAlphabet.ToChar(b));
        return text.ToString();
    }
}
