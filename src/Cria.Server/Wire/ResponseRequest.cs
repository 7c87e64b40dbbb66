using System.Text.Json;
using System.Text.Json.Serialization;
using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Server.Wire;

/// <summary>The body of POST /v1/responses.</summary>
sealed record ResponseRequest : WireRequest
{
    public const string WithLogProbs = "message.output_text.logprobs";

    [WireSchema("""{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"object"}}]}""")]
    public JsonElement Input { get; init; }

    public string? Instructions { get; init; }

    public string? PreviousResponseId { get; init; }

    public int? MaxOutputTokens { get; init; }

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? TopLogprobs { get; init; }

    public List<string>? Include { get; init; }

    [WireSchema("""{"type":"array","items":{"type":"object","properties":{"type":{"const":"function"},"name":{"type":"string"},"parameters":{"type":"object"}},"required":["type","name"]}}""")]
    public JsonElement? Tools { get; init; }

    [WireSchema(WireTools.ChoiceSchema)]
    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    [WireSchema("""{"type":"object","properties":{"format":{"type":"object"}}}""")]
    public JsonElement? Text { get; init; }

    public bool? Stream { get; init; }

    public bool? Store { get; init; }

    public Dictionary<string, string>? Metadata { get; init; }

    public string? User { get; init; }

    public string? Truncation { get; init; }

    public bool? Background { get; init; }

    public JsonElement? Conversation { get; init; }

    public JsonElement? Prompt { get; init; }

    [WireSchema("""{"type":"object","properties":{"effort":{"type":"string"}}}""")]
    public JsonElement? Reasoning { get; init; }

    [JsonIgnore]
    public bool WantsLogProbs => TopLogprobs > 0 || Include?.Contains(WithLogProbs) == true;

    /// <summary>The options of the answer.</summary>
    /// <exception cref="ApiException">A value is wrong, or cannot be honoured.</exception>
    public ChatOptions Options()
    {
        ApiException.Refuse("truncation", Truncation is not (null or "disabled"), "a dialogue that does not fit is refused, not shortened");
        ApiException.Refuse("background", Background == true, "answers are written while the client waits");
        ApiException.Refuse("conversation", Conversation, "use previous_response_id");
        ApiException.Refuse("prompt", Prompt, "there are no stored prompts");
        ApiException.Refuse("reasoning", Reasoning is { ValueKind: JsonValueKind.Object } reasoning && reasoning.TryGetProperty("effort", out var effort)
            && effort.ValueKind != JsonValueKind.Null && !(effort.ValueKind == JsonValueKind.String && effort.GetString() == "none"), "these models do not reason aside");
        ApiException.Refuse("include", Include?.Exists(i => i != WithLogProbs) == true, $"only {WithLogProbs} can be included");
        CheckAlternatives("top_logprobs", TopLogprobs);
        var options = new ChatOptions
        {
            Temperature = Temperature,
            TopP = TopP,
            MaxOutputTokens = MaxOutputTokens,
            Instructions = Instructions,
            AllowMultipleToolCalls = ParallelToolCalls,
            Tools = WireTools.ReadFlat("tools", Tools, "parameters"),
            ResponseFormat = Text is { ValueKind: JsonValueKind.Object } text && text.TryGetProperty("format", out var format) ? WireTools.Format("text.format", format, nested: false) : null,
            AdditionalProperties = [],
        };
        WireTools.Choose(options, ToolChoice);
        if (WantsLogProbs)
            options.AdditionalProperties[CriaChatClient.LogProbs] = TopLogprobs ?? 0;
        return options;
    }

    /// <summary>The messages of the input.</summary>
    /// <exception cref="ApiException">It is not of its shape.</exception>
    public List<ChatMessage> Dialogue()
    {
        if (Input.ValueKind == JsonValueKind.String)
            return [new(ChatRole.User, Input.GetString())];
        if (Input.ValueKind != JsonValueKind.Array || Input.GetArrayLength() == 0)
            throw ApiException.Invalid("input", "input is neither a text nor a list of items");
        var messages = new List<ChatMessage>();
        var number = 0;
        foreach (var json in Input.EnumerateArray())
        {
            var item = new WireObject(json, $"input[{number++}]");
            switch (item.Text("type") ?? (item.Has("role") ? "message" : ""))
            {
                case "message":
                    messages.Add(new(Role(item), [.. Parts(item)]));
                    break;
                case "function_call":
                    var call = new FunctionCallContent(item.Required("call_id"), item.Required("name"), WireTools.Arguments(item.Path("arguments"), item.Required("arguments")));
                    // The model's text and calls of one turn are one message.
                    if (messages is [.., { Role: var role } last] && role == ChatRole.Assistant)
                        last.Contents.Add(call);
                    else
                        messages.Add(new(ChatRole.Assistant, [call]));
                    break;
                case "function_call_output":
                    messages.Add(new(ChatRole.Tool, [new FunctionResultContent(item.Required("call_id"), item.Get("output") is { ValueKind: JsonValueKind.Array } parts
                        ? string.Concat(WireObject.Texts(parts, item.Path("output"))) : item.Required("output"))]));
                    break;
                case "reasoning":
                    break; // another model's thoughts mean nothing to this one
                case var other:
                    throw ApiException.Unsupported(item.Path("type"), $"{item.Path("type")} is {OneLine.Quote(other)}; only message, function_call and function_call_output are read");
            }
        }
        return messages;
    }

    static ChatRole Role(WireObject item) => item.Required("role") switch
    {
        "user" => ChatRole.User,
        "assistant" => ChatRole.Assistant,
        "system" or "developer" => ChatRole.System,
        var other => throw ApiException.Invalid(item.Path("role"), $"{item.Path("role")} is {OneLine.Quote(other)}, not user, assistant, system or developer"),
    };

    static AIContent Part(WireObject part) => part.Text("type") == "input_image"
        ? ChatJson.ReadImage(part.Required("image_url"), part.Path("image_url")) : new TextContent(part.AnyText());

    static IEnumerable<AIContent> Parts(WireObject item) => item.Get("content") switch
    {
        { ValueKind: JsonValueKind.String } text => [new TextContent(text.GetString())],
        { ValueKind: JsonValueKind.Array } parts => parts.EnumerateArray().Select((p, i) => Part(new(p, $"{item.Path("content")}[{i}]"))),
        _ => throw ApiException.Invalid(item.Path("content"), $"{item.Path("content")} is neither a text nor a list of parts"),
    };
}
