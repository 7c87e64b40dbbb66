using System.Text.Json;
using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Server.Wire;

/// <summary>The body of POST /v1/messages and /v1/messages/count_tokens, in Anthropic's shape.</summary>
sealed record MessageRequest : WireRequest
{
    [WireSchema("""{"type":"array","minItems":1,"items":{"type":"object","properties":{"role":{"enum":["user","assistant"]},"content":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"object"}}]}},"required":["role","content"]}}""")]
    public JsonElement Messages { get; init; }

    [WireSchema("""{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"object"}}]}""")]
    public JsonElement? System { get; init; }

    public int? MaxTokens { get; init; }

    public List<string>? StopSequences { get; init; }

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? TopK { get; init; }

    [WireSchema("""{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"input_schema":{"type":"object"}},"required":["name","input_schema"]}}""")]
    public JsonElement? Tools { get; init; }

    [WireSchema("""{"type":"object","properties":{"type":{"enum":["auto","any","tool","none"]}},"required":["type"]}""")]
    public JsonElement? ToolChoice { get; init; }

    public bool? Stream { get; init; }

    [WireSchema("""{"type":"object"}""")]
    public JsonElement? Metadata { get; init; }

    public string? ServiceTier { get; init; }

    [WireSchema("""{"type":"object","properties":{"type":{"enum":["disabled"]}}}""")]
    public JsonElement? Thinking { get; init; }

    public JsonElement? McpServers { get; init; }

    public JsonElement? Container { get; init; }

    /// <summary>The options of the answer; where the dialogue ends with words of the assistant, it goes on with them.</summary>
    /// <exception cref="ApiException">A value is wrong, or cannot be honoured.</exception>
    public ChatOptions Options(List<ChatMessage> dialogue)
    {
        ApiException.Refuse("thinking", Thinking is { ValueKind: JsonValueKind.Object } thinking && new WireObject(thinking, "thinking").Text("type") is not (null or "disabled"), "these models do not think aside");
        ApiException.Refuse("mcp_servers", McpServers, "this server calls no others");
        ApiException.Refuse("container", Container, "this server runs no code");
        var options = new ChatOptions
        {
            Temperature = Temperature,
            TopP = TopP,
            TopK = TopK,
            MaxOutputTokens = MaxTokens,
            StopSequences = StopSequences ?? [],
            Tools = WireTools.ReadFlat("tools", Tools, "input_schema"),
            AdditionalProperties = [],
        };
        if (dialogue is [.., { Role: var role } answer] && role == ChatRole.Assistant)
        {
            if (answer.Contents.Any(c => c is not TextContent) || answer.Text is not [.., var last] || char.IsWhiteSpace(last))
                throw ApiException.Invalid("messages", "messages ends with the assistant's, whose answer goes on with it; so it must be text, and not end with white space");
            options.AdditionalProperties[CriaChatClient.ContinueFinalMessage] = true;
        }
        WireTools.Choose(options, ToolChoice);
        if (ToolChoice is { ValueKind: JsonValueKind.Object } choice && choice.TryGetProperty("disable_parallel_tool_use", out var only) && only.ValueKind == JsonValueKind.True)
            options.AllowMultipleToolCalls = false;
        return options;
    }

    /// <summary>The messages, the system's first.</summary>
    /// <exception cref="ApiException">They are not of their shape.</exception>
    public List<ChatMessage> Dialogue()
    {
        if (Messages.ValueKind != JsonValueKind.Array || Messages.GetArrayLength() == 0)
            throw ApiException.Invalid("messages", "messages is not a list of messages");
        var dialogue = new List<ChatMessage>();
        if (System is { ValueKind: JsonValueKind.String or JsonValueKind.Array } system)
            dialogue.Add(new(ChatRole.System, system.ValueKind == JsonValueKind.String ? system.GetString() : string.Join("\n\n", WireObject.Texts(system, "system"))));
        var number = 0;
        foreach (var json in Messages.EnumerateArray())
        {
            var message = new WireObject(json, $"messages[{number++}]");
            var role = message.Required("role") switch
            {
                "user" => ChatRole.User,
                "assistant" => ChatRole.Assistant,
                var other => throw ApiException.Invalid(message.Path("role"), $"{message.Path("role")} is {OneLine.Quote(other)}, not user or assistant"),
            };
            switch (message.Get("content"))
            {
                case { ValueKind: JsonValueKind.String } text:
                    dialogue.Add(new(role, text.GetString()));
                    break;
                case { ValueKind: JsonValueKind.Array } blocks:
                    Read(dialogue, role, blocks, message.Path("content"));
                    break;
                default:
                    throw ApiException.Invalid(message.Path("content"), $"{message.Path("content")} is neither a text nor a list of blocks");
            }
        }
        return dialogue;
    }

    static AIContent Image(WireObject source) => source.Required("type") switch
    {
        "base64" => ChatJson.ReadImage($"data:{source.Required("media_type")};base64,{source.Required("data")}", source.Path("data")),
        "url" => ChatJson.ReadImage(source.Required("url"), source.Path("url")),
        var other => throw ApiException.Unsupported(source.Path("type"), $"{source.Path("type")} is {OneLine.Quote(other)}, not base64 or url"),
    };

    /// <summary>The results of tools stand in a user's message; here they are messages of their own, before its text.</summary>
    static void Read(List<ChatMessage> dialogue, ChatRole role, JsonElement blocks, string at)
    {
        var contents = new List<AIContent>();
        var number = 0;
        foreach (var json in blocks.EnumerateArray())
        {
            var block = new WireObject(json, $"{at}[{number++}]");
            switch (block.Required("type"))
            {
                case "text":
                    contents.Add(new TextContent(block.Required("text")));
                    break;
                case "image":
                    contents.Add(Image(new(block.Get("source") ?? throw ApiException.Invalid(block.Path("source"), $"{block.Path("source")} is missing"), block.Path("source"))));
                    break;
                case "tool_use":
                    contents.Add(new FunctionCallContent(block.Required("id"), block.Required("name"), WireTools.Arguments(block.Path("input"), block.Get("input"))));
                    break;
                case "tool_result":
                    dialogue.Add(new(ChatRole.Tool, [new FunctionResultContent(block.Required("tool_use_id"), block.Get("content") is { ValueKind: JsonValueKind.Array } parts
                        ? string.Concat(WireObject.Texts(parts, block.Path("content"))) : block.Text("content") ?? "")]));
                    break;
                case "thinking" or "redacted_thinking":
                    break; // another model's thoughts mean nothing to this one
                case var other:
                    throw ApiException.Unsupported(block.Path("type"), $"{block.Path("type")} is {OneLine.Quote(other)}; only text, image, tool_use and tool_result are read");
            }
        }
        if (contents.Count > 0)
            dialogue.Add(new(role, contents));
    }
}
