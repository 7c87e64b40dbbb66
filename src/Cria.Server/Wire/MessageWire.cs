using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cria.Server.Wire;

/// <summary>The answer of POST /v1/messages, in Anthropic's shape.</summary>
sealed record MessageReply(string Id, string Model, IReadOnlyList<MessageBlock> Content, MessageUsage Usage)
{
    public string Type => "message";

    public string Role => "assistant";

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? StopReason { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? StopSequence { get; init; }

    public WireTimings? Timings { get; init; }
}

/// <summary>A text, or the use of a tool.</summary>
sealed record MessageBlock(string Type)
{
    public string? Text { get; init; }

    public string? Id { get; init; }

    public string? Name { get; init; }

    public JsonElement? Input { get; init; }
}

/// <summary>Tokens read and written: `input_tokens` and those that were known from an earlier prompt are the prompt together.</summary>
sealed record MessageUsage(long InputTokens, long CacheReadInputTokens, long OutputTokens)
{
    public long CacheCreationInputTokens => 0; // what is kept for later prompts is no matter of a request
}

/// <summary>A piece of a streamed answer; which fields it has is a matter of its type.</summary>
sealed record MessageEvent(string Type)
{
    public MessageReply? Message { get; init; }

    public int? Index { get; init; }

    public MessageBlock? ContentBlock { get; init; }

    public MessageDelta? Delta { get; init; }

    public MessageUsage? Usage { get; init; }

    public WireTimings? Timings { get; init; }

    public MessageFailure? Error { get; init; }
}

/// <summary>What is new of a block, or of the message.</summary>
sealed record MessageDelta
{
    public string? Type { get; init; }

    public string? Text { get; init; }

    public string? PartialJson { get; init; }

    public string? StopReason { get; init; }

    public string? StopSequence { get; init; }
}

/// <summary>What went wrong.</summary>
sealed record MessageFailure(string Type, string Message);

/// <summary>The answer of POST /v1/messages/count_tokens.</summary>
sealed record TokenCount(int InputTokens);
