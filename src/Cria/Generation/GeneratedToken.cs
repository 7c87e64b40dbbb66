namespace Cria.Generation;

/// <summary>Why an answer ended.</summary>
public enum FinishReason
{
    /// <summary>The model wrote a stop id, or the text a stop string.</summary>
    Stop,

    /// <summary>The token limit or the end of the context was reached.</summary>
    Length,
}

/// <summary>One token of an answer. Immutable.</summary>
/// <param name="Id">The token; the last one may be the stop id.</param>
/// <param name="Text">
/// The text that became certain with it: often empty, because half a character and what may begin a stop string are held back.
/// All texts joined are the answer, without stop ids and stop strings; control tokens have no text.
/// </param>
/// <param name="LogProb">The natural logarithm of the token's probability (softmax of the raw logits), if asked for.</param>
/// <param name="TopLogProbs">The most probable tokens of this step, the most probable first, if asked for.</param>
/// <param name="Finish">Why the answer ends here; null if it goes on.</param>
public sealed record GeneratedToken(int Id, string Text, float? LogProb, IReadOnlyList<TokenLogProb> TopLogProbs, FinishReason? Finish);
