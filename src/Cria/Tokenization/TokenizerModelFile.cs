using System.Buffers;
using System.Buffers.Text;

namespace Cria.Tokenization;

/// <summary>`tokenizer.model` in tiktoken's text form (spec 5.1): lines of `base64 rank`, ranks 0, 1, 2, ...</summary>
static class TokenizerModelFile
{
    /// <summary>The control tokens follow the last rank, with Meta's names.</summary>
    public static Tokenizer Read(ReadOnlySpan<byte> file)
    {
        var tokens = new VocabularyBuilder();
        Span<byte> token = stackalloc byte[VocabularyBuilder.MaxToken];
        for (var line = 1; !file.IsEmpty; line++)
        {
            var end = file.IndexOf((byte)'\n');
            var text = (end < 0 ? file : file[..end]).TrimEnd((byte)'\r');
            file = end < 0 ? [] : file[(end + 1)..];
            if (text.IsEmpty)
                continue;
            var space = text.IndexOf((byte)' ');
            if (space < 1 || !Utf8Parser.TryParse(text[(space + 1)..], out int rank, out var used) || used != text.Length - space - 1)
                throw new CriaException($"line {line} is not `base64 rank`");
            if (rank != tokens.Count)
                throw new CriaException($"line {line} has rank {rank} where {tokens.Count} is due");
            if (Base64.DecodeFromUtf8(text[..space], token, out _, out var length) != OperationStatus.Done || length == 0)
                throw new CriaException($"line {line} holds no valid base64 of a token");
            tokens.Add(rank, token[..length], "a line");
        }
        var vocabulary = tokens.Build();
        return new Tokenizer(vocabulary, [.. SpecialTokens.Meta.Select((name, i) => new AddedToken(name, vocabulary.Count + i, AddedTokenKind.Control))]);
    }
}
