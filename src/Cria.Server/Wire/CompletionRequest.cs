using System.Text.Json;
using System.Text.Json.Serialization;
using Cria.Formats;
using Cria.Generation;
using Cria.Tokenization;

namespace Cria.Server.Wire;

/// <summary>The body of POST /v1/completions.</summary>
sealed record CompletionRequest : SamplingRequest
{
    const int MostPrompts = 128;
    const int DefaultTokens = 16;

    [WireSchema(WireTexts.Schema)]
    public JsonElement Prompt { get; init; }

    public int? Logprobs { get; init; }

    public bool? Echo { get; init; }

    public string? Suffix { get; init; }

    public int? BestOf { get; init; }

    /// <summary>The prompts, each as ids and as text.</summary>
    public IReadOnlyList<(int[] Ids, string Text)> Prompts(Tokenizer tokenizer) => WireTools.Read("prompt", Prompt, prompt => WireTexts.Read("prompt", prompt, tokenizer, MostPrompts));

    /// <summary>How one of the answers is written.</summary>
    /// <exception cref="ApiException">A value is wrong, or cannot be honoured.</exception>
    public GenerationOptions Generation(GenerationDefaults model, int answer)
    {
        if (Suffix is { Length: > 0 })
            throw ApiException.Unsupported("suffix", "suffix cannot be honoured: these models do not fill in");
        if (BestOf is not null && BestOf != Answers)
            throw ApiException.Unsupported("best_of", "best_of cannot be honoured: every answer written is given");
        if (Echo == true && Logprobs is not null)
            throw ApiException.Unsupported("echo", "echo cannot be honoured with logprobs: a prompt's log probabilities are not computed");
        CheckAlternatives("logprobs", Logprobs);
        var sampling = Sampling(answer);
        var fallback = GenerationOptions.From(model);
        return fallback with
        {
            Temperature = Temperature ?? fallback.Temperature,
            TopP = TopP ?? fallback.TopP,
            TopK = TopK ?? fallback.TopK,
            MinP = MinP ?? fallback.MinP,
            RepetitionPenalty = RepetitionPenalty ?? fallback.RepetitionPenalty,
            FrequencyPenalty = FrequencyPenalty ?? 0,
            PresencePenalty = PresencePenalty ?? 0,
            LogitBias = LogitBias?.ToDictionary(b => int.TryParse(b.Key, out var id) ? id : throw ApiException.Invalid("logit_bias", "logit_bias has a key that is no token id"), b => b.Value),
            Seed = unchecked((ulong?)sampling.Seed),
            StopStrings = [.. sampling.StopSequences!],
            MaxTokens = MaxTokens ?? DefaultTokens,
            TopLogProbs = Logprobs,
        };
    }
}

/// <summary>The answer of POST /v1/completions, whole or a piece of its stream.</summary>
sealed record CompletionReply(string Id, long Created, string Model, IReadOnlyList<CompletionChoice> Choices, Usage? Usage)
{
    public string Object => "text_completion";

    public WireTimings? Timings { get; init; }
}

/// <summary>One continuation, or a piece of it.</summary>
sealed record CompletionChoice(int Index, string Text, CompletionLogProbs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);

/// <summary>The log probabilities of a continuation, in parallel lists.</summary>
sealed record CompletionLogProbs(IReadOnlyList<string> Tokens, IReadOnlyList<float> TokenLogprobs, IReadOnlyList<Dictionary<string, float>> TopLogprobs, IReadOnlyList<int> TextOffset);
