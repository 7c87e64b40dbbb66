using Cria.Generation;
using Cria.Server.Wire;
using Cria.Tokenization;

namespace Cria.Server.Endpoints;

/// <summary>Log probabilities as OpenAI's clients expect them.</summary>
static class LogProbs
{
    /// <summary>Of a chat's answer.</summary>
    public static IReadOnlyList<WireLogProb> Chat(IEnumerable<GeneratedToken> tokens, Tokenizer tokenizer) => [.. tokens.Where(t => !tokenizer.IsSpecial(t.Id)).Select(t =>
        Token(tokenizer, new(t.Id, t.LogProb!.Value), [.. t.TopLogProbs.Select(a => Token(tokenizer, a, null))]))];

    /// <summary>Of a continuation, whose text begins at an offset.</summary>
    public static CompletionLogProbs Completion(IReadOnlyList<GeneratedToken> tokens, Tokenizer tokenizer, int offset)
    {
        var offsets = new List<int>();
        foreach (var token in tokens)
        {
            offsets.Add(offset);
            offset += token.Text.Length;
        }
        return new([.. tokens.Select(t => Text(t.Id))], [.. tokens.Select(t => t.LogProb!.Value)], [.. tokens.Select(t => Top(t.TopLogProbs))], offsets);

        Dictionary<string, float> Top(IReadOnlyList<TokenLogProb> tokens)
        {
            var top = new Dictionary<string, float>();
            foreach (var token in tokens)
                top.TryAdd(Text(token.Id), token.LogProb); // parts of characters may look alike: the most probable counts
            return top;
        }

        string Text(int id) => tokenizer.Decode([id]);
    }

    static WireLogProb Token(Tokenizer tokenizer, TokenLogProb token, IReadOnlyList<WireLogProb>? top) =>
        new(tokenizer.Decode([token.Id]), token.LogProb, [.. tokenizer.TokenBytes(token.Id).ToArray().Select(b => (int)b)], top);
}
