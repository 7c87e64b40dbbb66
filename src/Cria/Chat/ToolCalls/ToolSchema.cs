using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>What Meta's prompts print of a tool's JSON Schema: nothing below its properties survives.</summary>
static class ToolSchema
{
    public static List<JsonProperty> Properties(AIFunctionDeclaration tool) =>
        tool.JsonSchema.ValueKind == JsonValueKind.Object && tool.JsonSchema.TryGetProperty("properties", out var p) && p.ValueKind == JsonValueKind.Object
            ? [.. p.EnumerateObject()] : [];

    /// <summary>The names of properties that are required.</summary>
    public static HashSet<string> Required(AIFunctionDeclaration tool) =>
        tool.JsonSchema.ValueKind == JsonValueKind.Object && tool.JsonSchema.TryGetProperty("required", out var r) && r.ValueKind == JsonValueKind.Array
            ? [.. r.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!)] : [];

    /// <summary>The required properties in order, as a list on one line.</summary>
    public static string RequiredList(AIFunctionDeclaration tool)
    {
        var required = Required(tool);
        return $"[{string.Join(", ", Properties(tool).Select(p => p.Name).Where(required.Contains).Select(n => $"\"{n}\""))}]";
    }

    /// <summary>A schema that says no more than the names of the properties.</summary>
    public static string NamesOnly(AIFunctionDeclaration tool) => PythonJson.Write(new Dictionary<string, object?>
    {
        ["properties"] = Properties(tool).DistinctBy(p => p.Name).ToDictionary(p => p.Name, object? (_) => true),
        ["additionalProperties"] = false,
    });

    public static string? Text(JsonElement schema, string name) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.String ? v.GetString() : null;

    public static string OrNone(string? text) => string.IsNullOrEmpty(text) ? "None" : text;
}
