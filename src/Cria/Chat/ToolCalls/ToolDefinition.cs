using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>A tool as a request defined it: the templates print the whole definition as it came.</summary>
sealed class ToolDefinition(string name, string description, JsonElement parameters, JsonElement definition) : AIFunctionDeclaration
{
    public override string Name => name;

    public override string Description => description;

    public override JsonElement JsonSchema => parameters;

    /// <summary>The definition of a tool in OpenAI's shape.</summary>
    public static object Of(AIFunctionDeclaration tool) => tool is ToolDefinition given ? given.Definition : new Dictionary<string, object?>
    {
        ["type"] = "function",
        ["function"] = new Dictionary<string, object?> { ["name"] = tool.Name, ["description"] = tool.Description, ["parameters"] = tool.JsonSchema },
    };

    JsonElement Definition => definition;
}
