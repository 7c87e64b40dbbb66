using System.Text.Json.Serialization;

namespace Cria.Server.Wire;

/// <summary>The answer of POST /v1/chat/completions, whole or a piece of its stream.</summary>
sealed record ChatReply(string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices, Usage? Usage)
{
    public string SystemFingerprint => "cria";

    public WireTimings? Timings { get; init; }
}

/// <summary>One answer: `message` is it whole, `delta` what is new of it.</summary>
sealed record ChatChoice(int Index, WireMessage? Message, WireDelta? Delta, ChoiceLogProbs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);

/// <summary>A message of the assistant.</summary>
sealed record WireMessage(string Role, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Content, IReadOnlyList<WireCall>? ToolCalls);

/// <summary>A piece of one.</summary>
sealed record WireDelta(string? Role, string? Content, IReadOnlyList<WireCall>? ToolCalls);

/// <summary>A call of a function; the index is of streams.</summary>
sealed record WireCall(int? Index, string Id, string Type, WireFunction Function);

/// <summary>Which function, and its arguments as JSON text.</summary>
sealed record WireFunction(string Name, string Arguments);

/// <summary>The log probabilities of an answer's tokens.</summary>
sealed record ChoiceLogProbs(IReadOnlyList<WireLogProb> Content);

/// <summary>A token: its text, log probability and bytes, and the most probable ones at its place.</summary>
sealed record WireLogProb(string Token, float Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<WireLogProb>? TopLogprobs);

/// <summary>An error in OpenAI's shape.</summary>
sealed record WireError(WireErrorBody Error);

/// <summary>What went wrong.</summary>
sealed record WireErrorBody(string Message, string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code);

/// <summary>GET /v1/models.</summary>
sealed record ModelList(string Object, IReadOnlyList<WireModel> Data);

/// <summary>A model; how long its context is, is known when it is loaded.</summary>
sealed record WireModel(string Id, string Object, long Created, string OwnedBy, bool Loaded, int? ContextLength, IReadOnlyList<string> InputModalities);

/// <summary>The body of POST /models/load and /models/unload.</summary>
sealed record ModelOrder : WireRequest;

/// <summary>GET /health and /health/ready.</summary>
sealed record Health(string Status);
