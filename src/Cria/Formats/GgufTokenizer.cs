using System.Text;
using System.Text.Unicode;
using Cria.Tokenization;

namespace Cria.Formats;

/// <summary>The byte-level BPE vocabulary in a GGUF file's metadata, keys `tokenizer.ggml.*`.</summary>
static class GgufTokenizer
{
    const int MaxFound = 4096; // control and user-defined tokens

    const string Tokens = "tokenizer.ggml.tokens", TokenTypes = "tokenizer.ggml.token_type", Merges = "tokenizer.ggml.merges";

    // The kinds of tokens by their numbers in the file; the first vocabulary that has the numbers is that of SentencePiece.
    const int Normal = 1, Control = 3, UserDefined = 4, Unused = 5;

    /// <summary>The tokenizer, or null for a file that holds none.</summary>
    /// <exception cref="CriaException">It is another kind of vocabulary, or not valid.</exception>
    public static Tokenizer? Read(GgufFile file)
    {
        const string Model = "tokenizer.ggml.model", Splitter = "tokenizer.ggml.pre";
        if (file.Text(Model, 256) is not { } model)
            return null;
        if (model != "gpt2")
            throw file.Error(Model, $"is {OneLine.Quote(model)}, only \"gpt2\" is supported");
        if (file.Text(Splitter, 256) is var splitter and not ("llama-bpe" or "llama3" or "llama-v3"))
            throw file.Error(Splitter, splitter is null ? "is missing" : $"is {OneLine.Quote(splitter)}, only \"llama-bpe\" and its other names are supported");
        try
        {
            return Read(file, file.List(Tokens, GgufType.String) ?? throw file.Error(Tokens, "is missing"));
        }
        catch (CriaException e) when (!e.Message.StartsWith(file.Path, StringComparison.Ordinal))
        {
            throw new CriaException($"{file.Path}: {e.Message}", e);
        }
    }

    static Tokenizer Read(GgufFile file, GgufValue tokens)
    {
        var types = file.List(TokenTypes, GgufType.I32);
        if (types is not null && types.Value.Count != tokens.Count)
            throw file.Error(TokenTypes, $"has {types.Value.Count} entries for {tokens.Count} tokens");
        if (tokens.Count > VocabularyBuilder.MaxId)
            throw file.Error(Tokens, $"has {tokens.Count} tokens, more than {VocabularyBuilder.MaxId}");
        var ordinary = new VocabularyBuilder();
        var added = new List<AddedToken>();
        var found = new HashSet<string>();
        Span<byte> bytes = stackalloc byte[VocabularyBuilder.MaxToken];
        var at = tokens.Data;
        for (var id = 0; id < tokens.Count; id++)
        {
            var text = GgufValue.NextText(ref at);
            switch (types?.Integer(id) ?? Normal)
            {
                case Normal when added.Count == 0:
                    ordinary.Add(id, bytes[..ByteAlphabet.ToBytes(text, bytes, Tokens)], Tokens);
                    break;
                case Normal:
                    throw file.Error(Tokens, $"has the ordinary token {id} behind control tokens");
                case Control:
                    AddFound(text, id, AddedTokenKind.Control);
                    break;
                case UserDefined:
                    AddFound(text, id, AddedTokenKind.UserDefined);
                    break;
                case Unused:
                    added.Add(new(Encoding.UTF8.GetString(text), id, AddedTokenKind.Unused));
                    break;
                case var type:
                    throw file.Error(TokenTypes, $"has the type {type} for token {id}");
            }
        }
        var vocabulary = ordinary.Build();
        if (file.List(Merges, GgufType.String) is { } merges)
            ReadMerges(merges, vocabulary);
        return new Tokenizer(vocabulary, added);

        // a token that is found in text
        void AddFound(ReadOnlySpan<byte> text, int id, AddedTokenKind kind)
        {
            if (text.Length is 0 or > VocabularyBuilder.MaxToken || !Utf8.IsValid(text) || !found.Add(Encoding.UTF8.GetString(text)) || found.Count > MaxFound)
                throw file.Error(Tokens, $"has the control token {id} empty, too long, twice, or as more than the {MaxFound}th");
            added.Add(new(Encoding.UTF8.GetString(text), id, kind));
        }
    }

    static void ReadMerges(GgufValue merges, Vocabulary vocabulary)
    {
        var rules = new MergeRules(vocabulary, Merges);
        Span<byte> bytes = stackalloc byte[2 * VocabularyBuilder.MaxToken];
        var at = merges.Data;
        for (var i = 0L; i < merges.Count; i++)
        {
            var pair = GgufValue.NextText(ref at);
            var space = pair.IndexOf((byte)' ');
            if (space < 1 || space == pair.Length - 1)
                throw new CriaException($"{Merges} holds an entry that is not a pair");
            var middle = ByteAlphabet.ToBytes(pair[..space], bytes[..VocabularyBuilder.MaxToken], Merges);
            var length = middle + ByteAlphabet.ToBytes(pair[(space + 1)..], bytes[middle..], Merges);
            rules.Add(bytes[..middle], bytes[middle..length], bytes[..length]);
        }
        rules.Apply();
    }
}
