using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cria.Server.Wire;

/// <summary>An answer of POST /v1/responses.</summary>
sealed record ResponseReply(string Id, long CreatedAt, string Model, string Status, IReadOnlyList<ResponseItem> Output)
{
    public string Object => "response";

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ResponseFailure? Error { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ResponseCut? IncompleteDetails { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? PreviousResponseId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Instructions { get; init; }

    public int? MaxOutputTokens { get; init; }

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public bool ParallelToolCalls { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public JsonElement? Tools { get; init; }

    public JsonElement? Text { get; init; }

    public Dictionary<string, string> Metadata { get; init; } = [];

    public string Truncation => "disabled";

    public bool Store { get; init; }

    public ResponseUsage? Usage { get; init; }

    public WireTimings? Timings { get; init; }
}

/// <summary>Why an answer failed.</summary>
sealed record ResponseFailure(string Code, string Message);

/// <summary>Why an answer is cut.</summary>
sealed record ResponseCut(string Reason);

/// <summary>A message, or the call of a function.</summary>
sealed record ResponseItem(string Type, string Id, string Status)
{
    public string? Role { get; init; }

    public IReadOnlyList<ResponsePart>? Content { get; init; }

    public string? CallId { get; init; }

    public string? Name { get; init; }

    public string? Arguments { get; init; }
}

/// <summary>A text.</summary>
sealed record ResponsePart(string Text, IReadOnlyList<WireLogProb> Logprobs)
{
    public string Type => "output_text";

    public IReadOnlyList<string> Annotations => [];
}

/// <summary>Tokens read and written.</summary>
sealed record ResponseUsage(long InputTokens, long OutputTokens, InputDetails InputTokensDetails)
{
    public ResponseReasoning OutputTokensDetails => new(0);

    public long TotalTokens => InputTokens + OutputTokens;
}

/// <summary>Tokens of thoughts that are not shown; there are none.</summary>
sealed record ResponseReasoning(long ReasoningTokens);

/// <summary>A piece of a streamed answer; which fields it has is a matter of its type.</summary>
sealed record ResponseEvent(string Type)
{
    public int SequenceNumber { get; init; }

    public ResponseReply? Response { get; init; }

    public int? OutputIndex { get; init; }

    public int? ContentIndex { get; init; }

    public string? ItemId { get; init; }

    public ResponseItem? Item { get; init; }

    public ResponsePart? Part { get; init; }

    public string? Delta { get; init; }

    public string? Text { get; init; }

    public string? Name { get; init; }

    public string? Arguments { get; init; }

    public IReadOnlyList<WireLogProb>? Logprobs { get; init; }

    public string? Code { get; init; }

    public string? Message { get; init; }

    public string? Param { get; init; }
}

/// <summary>The answer of DELETE /v1/responses/{id}.</summary>
sealed record ResponseDeleted(string Id)
{
    public string Object => "response";

    public bool Deleted => true;
}
