using System.Text.Json;
using Cria.Chat.ToolCalls;
using Cria.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace Cria.Server.Wire;

/// <summary>OpenAI's ways to say which tools may be called and what an answer looks like.</summary>
static class WireTools
{
    public const string MessagesSchema = """{"type":"array","minItems":1,"items":{"type":"object","properties":{"role":{"enum":["system","developer","user","assistant","tool"]},"content":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"object"}}]}},"required":["role"]}}""";

    public const string ToolsSchema = """{"type":"array","items":{"type":"object","properties":{"type":{"const":"function"},"function":{"type":"object","properties":{"name":{"type":"string"},"description":{"type":"string"},"parameters":{"type":"object"}},"required":["name"]}},"required":["type","function"]}}""";

    public const string ChoiceSchema = """{"anyOf":[{"enum":["auto","none","required"]},{"type":"object","properties":{"type":{"const":"function"}},"required":["type"]}]}""";

    /// <summary>Reads a part of a request; what is wrong with it is the client's fault.</summary>
    public static T Read<T>(string param, JsonElement value, Func<JsonElement, T> read)
    {
        try
        {
            return value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? throw ApiException.Invalid(param, $"{param} is missing") : read(value);
        }
        catch (CriaException e)
        {
            var error = ApiException.From(e);
            throw new ApiException(400, error.Message, error.Code, error.Param ?? param);
        }
    }

    /// <summary>As above; null for what is not there.</summary>
    public static T? Read<T>(string param, JsonElement? value, Func<JsonElement, T> read) where T : class =>
        value is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } given ? Read(param, given, read) : null;

    /// <summary>Functions whose name stands beside their type.</summary>
    public static List<AITool>? ReadFlat(string param, JsonElement? tools, string schema)
    {
        if (tools is not { ValueKind: not JsonValueKind.Null } given)
            return null;
        if (given.ValueKind != JsonValueKind.Array)
            throw ApiException.Invalid(param, $"{param} is not a list");
        return [.. given.EnumerateArray().Select((json, i) =>
        {
            var tool = new WireObject(json, $"{param}[{i}]");
            if (tool.Text("type") is { } type and not ("function" or "custom"))
                throw ApiException.Unsupported(tool.Path("type"), $"{tool.Path("type")} is {OneLine.Quote(type)}; only functions are called");
            var parameters = tool.Get(schema) ?? JsonElement.Parse("{}");
            if (parameters.ValueKind != JsonValueKind.Object)
                throw ApiException.Invalid(tool.Path(schema), $"{tool.Path(schema)} is not an object");
            return tool.Required("name") is { Length: > 0 } name ? (AITool)new ToolDefinition(name, tool.Text("description") ?? "", parameters.Clone(), tool.Get(ToolDefinition.Strict) is { ValueKind: JsonValueKind.True })
                : throw ApiException.Invalid(tool.Path("name"), $"{tool.Path("name")} is empty");
        })];
    }

    /// <summary>The arguments of a call, from an object or from its JSON text.</summary>
    public static Dictionary<string, object?> Arguments(string at, JsonElement? arguments) => arguments switch
    {
        null => [],
        { ValueKind: JsonValueKind.String } text => Arguments(at, text.GetString()!),
        { ValueKind: JsonValueKind.Object } map => Fields(map),
        _ => throw ApiException.Invalid(at, $"{at} is not an object"),
    };

    /// <summary>The arguments of a call, from JSON text.</summary>
    public static Dictionary<string, object?> Arguments(string at, string json)
    {
        try
        {
            return json.Length == 0 ? [] : JsonElement.Parse(json) is { ValueKind: JsonValueKind.Object } map ? Fields(map) : throw new JsonException();
        }
        catch (JsonException)
        {
            throw ApiException.Invalid(at, $"{at} is not the JSON of an object");
        }
    }

    /// <summary>Of equal names the last value counts.</summary>
    static Dictionary<string, object?> Fields(JsonElement map)
    {
        var fields = new Dictionary<string, object?>();
        foreach (var field in map.EnumerateObject())
            fields[field.Name] = field.Value;
        return fields;
    }

    /// <summary>Sets the tool mode, and with `allowed_tools` takes away the others.</summary>
    public static void Choose(ChatOptions options, JsonElement? choice)
    {
        if (choice is not { ValueKind: not JsonValueKind.Null } given)
            return;
        switch (given.ValueKind == JsonValueKind.Object ? Text(given, "type") : given.ValueKind == JsonValueKind.String ? given.GetString() : null)
        {
            case "allowed_tools":
                // Of a chat completion the list lies one level deeper than of a response.
                var allowed = given.TryGetProperty("allowed_tools", out var nested) && nested.ValueKind == JsonValueKind.Object ? nested : given;
                var names = allowed.TryGetProperty("tools", out var list) && list.ValueKind == JsonValueKind.Array
                    ? list.EnumerateArray().Select(Name).ToHashSet() : throw ApiException.Invalid("tool_choice", "tool_choice.allowed_tools has no list of tools");
                options.Tools = options.Tools?.Where(t => names.Contains(t.Name)).ToList();
                options.ToolMode = Text(allowed, "mode") == "required" ? ChatToolMode.RequireAny : ChatToolMode.Auto;
                break;
            case "auto":
                options.ToolMode = ChatToolMode.Auto;
                break;
            case "none":
                options.ToolMode = ChatToolMode.None;
                break;
            case "required" or "any":
                options.ToolMode = ChatToolMode.RequireAny;
                break;
            case "function" or "tool":
                options.ToolMode = ChatToolMode.RequireSpecific(Name(given) ?? throw ApiException.Invalid("tool_choice", "tool_choice has no name of a function"));
                break;
            default:
                throw ApiException.Unsupported("tool_choice", "tool_choice is not auto, none, required, allowed_tools or a function");
        }
        if (options.ToolMode is RequiredChatToolMode { RequiredFunctionName: var name } && (options.Tools is not { Count: > 0 } tools || name is not null && !tools.Any(t => t.Name == name)))
            throw ApiException.Invalid("tool_choice", $"tool_choice requires {(name is null ? "a call" : OneLine.Quote(name))}, which no tool of the request answers");
    }

    /// <summary>Text, any JSON, or JSON of a schema.</summary>
    /// <param name="param">Where it stands.</param>
    /// <param name="format">An object with a type.</param>
    /// <param name="nested">Whether the schema lies in `json_schema`, as of a chat completion.</param>
    public static ChatResponseFormat? Format(string param, JsonElement? format, bool nested)
    {
        if (format is not { ValueKind: not JsonValueKind.Null } given)
            return null;
        switch (given.ValueKind == JsonValueKind.Object ? Text(given, "type") : null)
        {
            case "text":
                return ChatResponseFormat.Text;
            case "json_object":
                return ChatResponseFormat.Json;
            case "json_schema":
                var holder = !nested ? given : given.TryGetProperty("json_schema", out var inner) && inner.ValueKind == JsonValueKind.Object ? inner
                    : throw ApiException.Invalid($"{param}.json_schema", $"{param}.json_schema is not an object");
                var at = nested ? $"{param}.json_schema.schema" : $"{param}.schema";
                var schema = holder.TryGetProperty("schema", out var found) ? found : throw ApiException.Invalid(at, $"{at} is missing");
                Read(at, schema, s => Constraint.JsonSchema(s.GetRawText())); // what cannot be honoured is said before anything is begun
                return ChatResponseFormat.ForJsonSchema(schema, Text(holder, "name"), Text(holder, "description"));
            default:
                throw ApiException.Unsupported($"{param}.type", $"{param}.type is not text, json_object or json_schema");
        }
    }

    /// <summary>The name of a function, in `function` or beside the type.</summary>
    static string? Name(JsonElement choice) => choice.ValueKind != JsonValueKind.Object ? null
        : choice.TryGetProperty("function", out var function) && function.ValueKind == JsonValueKind.Object ? Text(function, "name") : Text(choice, "name");

    static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
