using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>A tool as a request defined it: the templates print the whole definition as it came, if it came in OpenAI's shape.</summary>
sealed class ToolDefinition(string name, string description, JsonElement parameters, bool isStrict, JsonElement? definition = null) : AIFunctionDeclaration
{
    /// <summary>The key among a tool's additional properties that says whether its schema must be honoured.</summary>
    public const string Strict = "strict";

    public override string Name => name;

    public override string Description => description;

    public override JsonElement JsonSchema => parameters;

    public override IReadOnlyDictionary<string, object?> AdditionalProperties { get; } = new Dictionary<string, object?> { [Strict] = isStrict };

    /// <summary>The definition of a tool in OpenAI's shape.</summary>
    public static object Of(AIFunctionDeclaration tool) => tool is ToolDefinition { Definition: { } given } ? given : new Dictionary<string, object?>
    {
        ["type"] = "function",
        ["function"] = new Dictionary<string, object?> { ["name"] = tool.Name, ["description"] = tool.Description, ["parameters"] = tool.JsonSchema },
    };

    JsonElement? Definition => definition;
}
