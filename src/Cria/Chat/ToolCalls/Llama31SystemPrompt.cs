using System.Text;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>
/// The prompt of Llama 3.1: a system message of built-in tools, dates and the system text, then, for tools, a user message with their definitions
/// (llama-models 8c88b8c, `LLama31Interface.system_messages` with `JsonCustomToolGenerator` or `FunctionTagCustomToolGenerator`; spec section 6.2).
/// </summary>
static class Llama31SystemPrompt
{
    // Protocol constants: the words the models were trained on (llama-models, prompt_templates/system_prompts.py).
    const string JsonPreamble =
        """
        Answer the user's question by making use of the following functions if needed.
        If none of the function can be used, please say so.
        Here is a list of functions in JSON format:

        """;

    const string JsonEnd = "\nReturn function calls in JSON format.";

    const string TagPreamble = "You have access to the following functions:\n";

    const string TagEnd =
        """

        Think very carefully before calling functions.
        If you choose to call a function ONLY reply in the following format with no prefix or suffix:

        <function=example_function_name>{"example_name": "example_value"}</function>

        Reminder:
        - If looking for real time information use relevant functions before falling back to brave_search
        - Function calls MUST follow the specified format, start with <function= and end with </function>
        - Required parameters MUST be specified
        - Only call one function at a time
        - Put the entire function call reply on one line
        """;

    public static IReadOnlyList<ChatMessage> Compose(IReadOnlyList<ChatMessage> messages, ChatFormatOptions options)
    {
        var tools = options.Tools ?? [];
        var system = messages.Count > 0 && messages[0].Role == ChatRole.System ? messages[0].Text : null;
        var date = options.Date ?? ChatFormat.Today("dd MMMM yyyy");
        var environment = BuiltinCall.Environment(tools.Count > 0 ? options.BuiltinTools ?? ["code_interpreter"] : options.BuiltinTools);
        var text = $"{environment}Cutting Knowledge Date: December 2023\nToday Date: {date}\n" + (system is null ? "" : $"\n{system}\n");
        List<ChatMessage> composed = [new(ChatRole.System, text)];
        if (tools.Count > 0)
            composed.Add(new(ChatRole.User, options.ToolFormat switch
            {
                ToolFormat.Json => JsonPreamble + string.Concat(tools.Select(JsonDefinition)) + JsonEnd,
                ToolFormat.FunctionTag => TagPreamble + string.Concat(tools.Select(TagDefinition)) + TagEnd,
                _ => throw new CriaException("Llama 3.1's prompt has JSON calls and function tags; pythonic calls are those of 3.2"),
            }));
        return [.. composed, .. messages.Skip(system is null ? 0 : 1)];
    }

    /// <summary>The generator prints every type as `object`, and escapes nothing.</summary>
    static string JsonDefinition(AIFunctionDeclaration tool)
    {
        var properties = ToolSchema.Properties(tool);
        var text = new StringBuilder("{\n    \"type\": \"function\",\n    \"function\": {\n")
            .Append($"        \"name\": \"{tool.Name}\",\n")
            .Append($"        \"description\": \"{ToolSchema.OrNone(tool.Description)}\",\n")
            .Append("        \"parameters\": {\n            \"type\": \"object\",\n            \"properties\": [\n");
        for (var p = 0; p < properties.Count; p++)
            text.Append($"                {{\n                    \"{properties[p].Name}\": {{\n                        \"type\": \"object\",\n")
                .Append($"                        \"description\": \"{ToolSchema.OrNone(ToolSchema.Text(properties[p].Value, "description"))}\"\n")
                .Append("                    }\n                }").Append(p < properties.Count - 1 ? ",\n" : "\n");
        return text.Append($"            ],\n            \"required\": {ToolSchema.RequiredList(tool)}\n        }}\n    }}\n}}\n").ToString();
    }

    static string TagDefinition(AIFunctionDeclaration tool)
    {
        var required = ToolSchema.Required(tool);
        var parameters = ToolSchema.Properties(tool).ToDictionary(p => p.Name, object? (p) => new Dictionary<string, object?>
        {
            ["description"] = ToolSchema.Text(p.Value, "description"),
            ["param_type"] = ToolSchema.Text(p.Value, "type"),
            ["required"] = required.Contains(p.Name),
        });
        var description = ToolSchema.OrNone(tool.Description);
        return $"\nUse the function '{tool.Name}' to '{description}':\n{{\"name\": \"{tool.Name}\", \"description\": \"{description}\", "
            + $"\"parameters\": {new PythonJson(Ascii: true, SortKeys: true, Html: true).ToText(parameters)}}}\n";
    }
}
