using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace Cria.Server.Wire;

/// <summary>A request's body. What it does not know is ignored, and named in a header of the answer.</summary>
abstract record WireRequest
{
    const int MostAlternatives = 20; // as OpenAI has it

    public string? Model { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }

    /// <summary>Looks at how many of the most probable tokens are asked for.</summary>
    /// <exception cref="ApiException">They are too many.</exception>
    protected static void CheckAlternatives(string param, int? count)
    {
        if (count is < 0 or > MostAlternatives)
            throw ApiException.Invalid(param, $"{param} is {count}; it must be between 0 and {MostAlternatives}");
    }
}

/// <summary>What OpenAI's two endpoints that write text have in common, with `top_k`, `min_p` and `repetition_penalty` of our own.</summary>
abstract record SamplingRequest : WireRequest
{
    const int MostAnswers = 128;

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? TopK { get; init; }

    public float? MinP { get; init; }

    public float? RepetitionPenalty { get; init; }

    public float? FrequencyPenalty { get; init; }

    public float? PresencePenalty { get; init; }

    public Dictionary<string, float>? LogitBias { get; init; }

    public long? Seed { get; init; }

    [WireSchema("""{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}""")]
    public JsonElement? Stop { get; init; }

    public int? N { get; init; }

    public int? MaxTokens { get; init; }

    public bool? Stream { get; init; }

    public StreamOptions? StreamOptions { get; init; }

    public string? User { get; init; }

    /// <summary>The answers wanted.</summary>
    public int Answers => N is null or (>= 1 and <= MostAnswers) ? N ?? 1 : throw ApiException.Invalid("n", $"n is {N}; it must be between 1 and {MostAnswers}");

    /// <summary>Whether a stream ends with the usage.</summary>
    public bool WantsUsage => StreamOptions?.IncludeUsage == true;

    /// <summary>The options of one of the answers: with a seed each has its own, counted from the one given.</summary>
    public ChatOptions Sampling(int answer)
    {
        if (StreamOptions is not null && Stream != true)
            throw ApiException.Invalid("stream_options", "stream_options are given and stream is not true");
        var more = new AdditionalPropertiesDictionary();
        Add("min_p", MinP);
        Add("repetition_penalty", RepetitionPenalty);
        Add("logit_bias", LogitBias is { Count: > 0 } ? LogitBias : null);
        return new()
        {
            Temperature = Temperature,
            TopP = TopP,
            TopK = TopK,
            FrequencyPenalty = FrequencyPenalty,
            PresencePenalty = PresencePenalty,
            Seed = Seed is { } seed ? unchecked(seed + answer) : null,
            StopSequences = Stops(),
            MaxOutputTokens = MaxTokens,
            AdditionalProperties = more,
        };

        void Add(string name, object? value)
        {
            if (value is not null)
                more[name] = value;
        }
    }

    List<string> Stops() => Stop switch
    {
        null or { ValueKind: JsonValueKind.Null } => [],
        { ValueKind: JsonValueKind.String } text => [text.GetString()!],
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(s => s.ValueKind == JsonValueKind.String) => [.. list.EnumerateArray().Select(s => s.GetString()!)],
        _ => throw ApiException.Invalid("stop", "stop is neither a string nor a list of strings"),
    };
}

/// <summary>What else a stream brings.</summary>
sealed record StreamOptions(bool? IncludeUsage = null, bool? IncludeObfuscation = null);
