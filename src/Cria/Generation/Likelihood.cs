using System.Text;

namespace Cria.Generation;

/// <summary>A token of a continuation. Immutable.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProb">The natural logarithm of its probability behind all before it (softmax of the raw logits).</param>
/// <param name="IsGreedy">Whether a greedy choice takes it: no token is more probable, and none of the same probability has a lower id.</param>
/// <param name="TopLogProbs">The most probable tokens in its place, the most probable first, if asked for.</param>
public sealed record ScoredToken(int Id, float LogProb, bool IsGreedy, IReadOnlyList<TokenLogProb> TopLogProbs);

/// <summary>How probable a model finds a continuation. Immutable.</summary>
/// <param name="Tokens">Its tokens, one or more.</param>
/// <param name="Text">Its text; empty where it was given as ids.</param>
public sealed record Likelihood(IReadOnlyList<ScoredToken> Tokens, string Text)
{
    /// <summary>The natural logarithm of the probability of all tokens together: the sum of theirs.</summary>
    public double LogProb { get; } = Tokens.Sum(t => (double)t.LogProb);

    /// <summary>Whether the model would write exactly this at temperature 0.</summary>
    public bool IsGreedy => Tokens.All(t => t.IsGreedy);

    /// <summary>Unicode characters (code points) of the text; the divisor of acc_norm (evaluation specification section 6.1).</summary>
    public int Characters => Text.EnumerateRunes().Count();

    /// <summary>Bytes of the text in UTF-8; the divisor of acc_bytes.</summary>
    public int Bytes => Encoding.UTF8.GetByteCount(Text);

    /// <summary>exp of the mean loss of a token.</summary>
    public double Perplexity => Math.Exp(-LogProb / Tokens.Count);
}
