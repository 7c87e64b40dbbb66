using Cria.Generation;

namespace Cria.Server.Wire;

/// <summary>Tokens read and written.</summary>
sealed record Usage(long PromptTokens, long CompletionTokens, InputDetails PromptTokensDetails)
{
    public long TotalTokens => PromptTokens + CompletionTokens;

    /// <summary>Of answers to one prompt, which counts once.</summary>
    public static Usage Of(IEnumerable<GenerationTimings> answers) =>
        new(answers.Max(a => a.PromptTokens), answers.Sum(a => a.AnswerTokens), new(answers.Min(a => a.CachedTokens)));

    public static Usage operator +(Usage a, Usage b) => new(a.PromptTokens + b.PromptTokens, a.CompletionTokens + b.CompletionTokens,
        new(a.PromptTokensDetails.CachedTokens + b.PromptTokensDetails.CachedTokens));
}

/// <summary>Tokens of a prompt that were known from an earlier one.</summary>
sealed record InputDetails(long CachedTokens);

/// <summary>
/// What answers took, in the words of llama.cpp's server (`timings` in its README), how long they waited for their turn, and how many
/// images were read meanwhile. Of several answers the tokens are added, and the longest time counts, for they are written at once.
/// </summary>
sealed record WireTimings(long CacheN, long PromptN, double PromptMs, double PromptPerSecond, long PredictedN, double PredictedMs, double PredictedPerSecond, double QueueMs, long ImageN, double ImageMs)
{
    public static WireTimings Of(IReadOnlyList<GenerationTimings> answers)
    {
        var (reading, writing) = (answers.Max(a => a.Reading), answers.Max(a => a.Writing));
        var whole = new GenerationTimings(answers.Sum(a => a.PromptTokens), answers.Sum(a => a.CachedTokens), answers.Sum(a => a.AnswerTokens), answers.Max(a => a.Waiting), reading, writing);
        return new(whole.CachedTokens, whole.PromptTokens - whole.CachedTokens, reading.TotalMilliseconds, whole.ReadPerSecond,
            whole.AnswerTokens, writing.TotalMilliseconds, whole.WrittenPerSecond, whole.Waiting.TotalMilliseconds,
            answers.Sum(a => a.ImagesRead), answers.Max(a => a.ReadingImages).TotalMilliseconds);
    }
}
