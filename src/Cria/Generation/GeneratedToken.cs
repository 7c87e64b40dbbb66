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
public sealed record GeneratedToken(int Id, string Text, float? LogProb, IReadOnlyList<TokenLogProb> TopLogProbs, FinishReason? Finish)
{
    /// <summary>What the answer took; the last token has it.</summary>
    public GenerationTimings? Timings { get; init; }
}

/// <summary>What an answer took. Immutable.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Those of them that were not read, because an earlier text began alike (<see cref="GeneratorOptions.PrefixBytes"/>).</param>
/// <param name="AnswerTokens">Tokens of the answer, its stop id included.</param>
/// <param name="Waiting">The time from the request to the step that first served it.</param>
/// <param name="Reading">The time from then to the first token: the prompt is read.</param>
/// <param name="Writing">The time from the first token to the last.</param>
public sealed record GenerationTimings(int PromptTokens, int CachedTokens, int AnswerTokens, TimeSpan Waiting, TimeSpan Reading, TimeSpan Writing)
{
    /// <summary>Images of the prompt that were read for it; the others were known from earlier requests.</summary>
    public int ImagesRead { get; init; }

    /// <summary>What reading them took, a part of <see cref="Waiting"/>.</summary>
    public TimeSpan ReadingImages { get; init; }

    /// <summary>Prompt tokens read a second; what was cached does not count.</summary>
    public double ReadPerSecond => Rate(PromptTokens - CachedTokens, Reading);

    /// <summary>Tokens written a second behind the first; 0 if there is no other.</summary>
    public double WrittenPerSecond => Rate(AnswerTokens - 1, Writing);

    static double Rate(int tokens, TimeSpan time) => time > TimeSpan.Zero ? tokens / time.TotalSeconds : 0;
}
