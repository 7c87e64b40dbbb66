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

    [WireSchema("""{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}},{"type":"array","items":{"type":"integer"}},{"type":"array","items":{"type":"array","items":{"type":"integer"}}}]}""")]
    public JsonElement Prompt { get; init; }

    public int? Logprobs { get; init; }

    public bool? Echo { get; init; }

    public string? Suffix { get; init; }

    public int? BestOf { get; init; }

    /// <summary>The prompts: a text gets one BOS and nothing in it becomes a control token, ids are taken as they are.</summary>
    public IReadOnlyList<(int[] Ids, string Text)> Prompts(Tokenizer tokenizer)
    {
        var prompts = Prompt.ValueKind == JsonValueKind.Array && !IsIds(Prompt) ? Prompt.EnumerateArray().ToList() : [Prompt];
        return prompts.Count is >= 1 and <= MostPrompts ? [.. prompts.Select(Read)]
            : throw ApiException.Invalid("prompt", $"prompt holds {prompts.Count} prompts; it must be between 1 and {MostPrompts}");

        (int[], string) Read(JsonElement prompt)
        {
            if (prompt.ValueKind == JsonValueKind.String)
                return ([tokenizer.BosId, .. tokenizer.Encode(prompt.GetString())], prompt.GetString()!);
            if (prompt.ValueKind != JsonValueKind.Array || !IsIds(prompt))
                throw ApiException.Invalid("prompt", "prompt is none of a text, a list of texts, a list of token ids and a list of such lists");
            int[] ids = [.. prompt.EnumerateArray().Select(i => i.GetInt32())];
            return ids.All(i => (uint)i < (uint)tokenizer.VocabularySize) ? (ids, tokenizer.Decode(ids))
                : throw ApiException.Invalid("prompt", $"prompt holds a token outside the vocabulary of {tokenizer.VocabularySize}");
        }

        static bool IsIds(JsonElement list) => list.GetArrayLength() > 0 && list.EnumerateArray().All(i => i.ValueKind == JsonValueKind.Number && i.TryGetInt32(out _));
    }

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
