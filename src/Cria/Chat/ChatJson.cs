using System.Text.Json;
using Cria.Chat.ToolCalls;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// Reads messages and tools in the shape of OpenAI's chat API. Beyond that shape: the role `ipython` is `tool`; a tool's `content`
/// may be any JSON value; an assistant message may carry `stop_reason`, a user message `context` (<see cref="ChatFormat"/>).
/// Nothing of the JSON document is referred to afterwards. Stateless and thread-safe.
/// </summary>
public static class ChatJson
{
    static readonly string[] StopReasons = ["end_of_turn", "end_of_message", "out_of_tokens"];

    /// <summary>A dialogue from a JSON array of messages.</summary>
    /// <exception cref="CriaException">A message is not of that shape; the error names its field.</exception>
    public static List<ChatMessage> ReadMessages(JsonElement messages) =>
        [.. Array(messages, "messages").EnumerateArray().Select((m, i) => ReadMessage(Object(m, $"messages[{i}]"), $"messages[{i}]"))];

    /// <summary>Function declarations from a JSON array of tools: `{"type":"function","function":{"name","description","parameters"}}`.</summary>
    /// <exception cref="CriaException">A tool is not of that shape; the error names its field.</exception>
    public static List<AIFunctionDeclaration> ReadTools(JsonElement tools) =>
        [.. Array(tools, "tools").EnumerateArray().Select((t, i) => ReadTool(Object(t, $"tools[{i}]"), $"tools[{i}]"))];

    static ChatMessage ReadMessage(JsonElement json, string at)
    {
        var role = Text(json, "role", at) switch
        {
            "system" or "developer" => ChatRole.System,
            "user" => ChatRole.User,
            "assistant" => ChatRole.Assistant,
            "tool" or "ipython" => ChatRole.Tool,
            var other => throw new CriaException($"{at}.role is {(other is null ? "missing" : OneLine.Quote(other))}, not system, user, assistant or tool"),
        };
        var message = new ChatMessage(role, ReadContent(json, role, at));
        if (Get(json, "tool_calls") is { } calls)
        {
            if (role != ChatRole.Assistant && Array(calls, $"{at}.tool_calls").GetArrayLength() > 0)
                throw new CriaException($"{at}.tool_calls stands in a message that is not the assistant's");
            foreach (var call in Array(calls, $"{at}.tool_calls").EnumerateArray())
                message.Contents.Add(ReadCall(call, $"{at}.tool_calls[{message.Contents.OfType<FunctionCallContent>().Count()}]"));
        }
        if (Text(json, ChatFormat.StopReason, at) is { } reason)
            (message.AdditionalProperties ??= [])[ChatFormat.StopReason] = StopReasons.Contains(reason) ? reason
                : throw new CriaException($"{at}.stop_reason is {OneLine.Quote(reason)}, not {string.Join(", ", StopReasons)}");
        if (Text(json, ChatFormat.Context, at) is { } context)
            (message.AdditionalProperties ??= [])[ChatFormat.Context] = context;
        return message;
    }

    static List<AIContent> ReadContent(JsonElement json, ChatRole role, string at)
    {
        if (Get(json, "content") is not { } content)
            return [];
        if (IsParts(content))
            return [.. content.EnumerateArray().Select((p, i) => ReadPart(p, $"{at}.content[{i}]"))];
        if (role == ChatRole.Tool)
            return [new FunctionResultContent(Text(json, "tool_call_id", at) ?? "", content.ValueKind == JsonValueKind.String ? content.GetString() : content.Clone())];
        return content.ValueKind == JsonValueKind.String ? [new TextContent(content.GetString())]
            : throw new CriaException($"{at}.content is neither a string nor a list of text and image_url parts");
    }

    static bool IsParts(JsonElement content) =>
        content.ValueKind == JsonValueKind.Array && content.GetArrayLength() > 0 && content.EnumerateArray().All(p =>
            p.ValueKind == JsonValueKind.Object && p.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
            && type.GetString() is "text" or "image_url");

    static AIContent ReadPart(JsonElement part, string at)
    {
        if (part.GetProperty("type").GetString() == "text")
            return new TextContent(Text(part, "text", at) ?? throw new CriaException($"{at}.text is missing"));
        var image = Object(Get(part, "image_url") ?? throw new CriaException($"{at}.image_url is missing"), $"{at}.image_url");
        return ReadImage(Text(image, "url", $"{at}.image_url") ?? throw new CriaException($"{at}.image_url.url is missing"), $"{at}.image_url.url");
    }

    /// <summary>The image of a data URL (RFC 2397), or of an address.</summary>
    /// <param name="url">The URL.</param>
    /// <param name="at">Names the field in an error.</param>
    /// <exception cref="CriaException">It is neither, or the data is none of an image.</exception>
    internal static AIContent ReadImage(string url, string at)
    {
        try
        {
            if (!url.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
                return new UriContent(url, "image/*");
            var data = new DataContent(url);
            return data.HasTopLevelMediaType("image") ? data : throw new CriaException($"{at} is of type {OneLine.Quote(data.MediaType)}, no image");
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            throw new CriaException($"{at} is neither a data URL nor an address", e);
        }
    }

    static FunctionCallContent ReadCall(JsonElement call, string at)
    {
        var function = Object(Get(Object(call, at), "function") ?? throw new CriaException($"{at}.function is missing"), $"{at}.function");
        var name = Text(function, "name", $"{at}.function") ?? throw new CriaException($"{at}.function.name is missing");
        return new FunctionCallContent(Text(call, "id", at) ?? "", name, ReadArguments(function, $"{at}.function.arguments"));
    }

    /// <summary>JSON text, as OpenAI has it, or the object itself. Of equal keys the last value counts, at the first one's place, as in Python.</summary>
    static Dictionary<string, object?> ReadArguments(JsonElement function, string at)
    {
        var json = Get(function, "arguments");
        if (json is null or { ValueKind: JsonValueKind.String } && json?.GetString() is null or "")
            return [];
        try
        {
            var map = json.Value.ValueKind == JsonValueKind.String ? JsonElement.Parse(json.Value.GetString()!) : json.Value.Clone();
            var arguments = new Dictionary<string, object?>();
            foreach (var argument in Object(map, at).EnumerateObject())
                arguments[argument.Name] = argument.Value;
            return arguments;
        }
        catch (JsonException e)
        {
            throw new CriaException($"{at} is {OneLine.Show(e)}", e);
        }
    }

    static AIFunctionDeclaration ReadTool(JsonElement tool, string at)
    {
        if (Text(tool, "type", at) is { } type and not "function")
            throw new CriaException($"{at}.type is {OneLine.Quote(type)}, only function is known");
        var function = Object(Get(tool, "function") ?? throw new CriaException($"{at}.function is missing"), $"{at}.function");
        var name = Text(function, "name", $"{at}.function") ?? throw new CriaException($"{at}.function.name is missing");
        var parameters = Get(function, "parameters") is { } given ? Object(given, $"{at}.function.parameters").Clone() : JsonElement.Parse("{}");
        return new ToolDefinition(name, Text(function, "description", $"{at}.function") ?? "", parameters, Get(function, ToolDefinition.Strict) is { ValueKind: JsonValueKind.True }, tool.Clone());
    }

    static JsonElement? Get(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    static string? Text(JsonElement json, string name, string at) => Get(json, name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString(),
        _ => throw new CriaException($"{at}.{name} is not a string"),
    };

    static JsonElement Array(JsonElement json, string at) =>
        json.ValueKind == JsonValueKind.Array ? json : throw new CriaException($"{at} is not a list");

    static JsonElement Object(JsonElement json, string at) =>
        json.ValueKind == JsonValueKind.Object ? json : throw new CriaException($"{at} is not an object");
}
