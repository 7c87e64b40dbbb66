using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>
/// The `llama3.2` composition: one system message of the pythonic instructions, the tools and the system text (llama-stack 0.2.12,
/// `augment_messages_for_tools_llama`, with llama-models' `PythonListCustomToolGenerator` at 8c88b8c).
/// </summary>
static class PythonicToolPrompt
{
    // Protocol constants: the words the models were trained on (llama-models, prompt_templates/system_prompts.py).
    const string Preamble =
        """
        You are an expert in composing functions. You are given a question and a set of possible functions.
        Based on the question, you will need to make one or more function/tool calls to achieve the purpose.
        If none of the function can be used, point it out. If the given question lacks the parameters required by the function,
        also point it out. You should only return the function call in tools call sections.


        """;

    const string Functions =
        """
        If you decide to invoke any of the function(s), you MUST put it in the format of [func_name1(params_name1=params_value1, params_name2=params_value2...), func_name2(params)]
        You SHOULD NOT include any other text in the response.

        Here is a list of functions in JSON format that you can invoke.


        """;

    const string Placeholder = "{{ function_description }}";

    public static IReadOnlyList<ChatMessage> Compose(IReadOnlyList<ChatMessage> messages, ChatFormatOptions options)
    {
        var system = messages.Count > 0 && messages[0].Role == ChatRole.System ? messages[0].Text : null;
        var text = new StringBuilder(BuiltinCall.Environment(options.BuiltinTools));
        var tools = options.Tools ?? [];
        if (tools.Count > 0)
        {
            var description = Functions + Definitions(tools);
            if (options.SystemReplacesTools && system is not null)
                text.Append(system.Contains(Placeholder) ? system.Replace(Placeholder, description) : system);
            else
                text.Append(Preamble).Append(description);
        }
        if (system is not null && !(options.SystemReplacesTools && tools.Count > 0))
            text.Append('\n').Append(system);
        var rest = messages.Skip(system is null ? 0 : 1);
        var composed = text.ToString().Trim('\n');
        return composed.Length == 0 ? [.. rest] : [new(ChatRole.System, composed), .. rest];
    }

    /// <summary>The definitions as the generator prints them: nothing is escaped, `required` stands inline.</summary>
    static string Definitions(IReadOnlyList<AIFunctionDeclaration> tools)
    {
        var text = new StringBuilder("[\n");
        for (var t = 0; t < tools.Count; t++)
        {
            var tool = tools[t];
            var properties = ToolSchema.Properties(tool);
            text.Append("    {\n")
                .Append($"        \"name\": \"{tool.Name}\",\n")
                .Append($"        \"description\": \"{ToolSchema.OrNone(tool.Description)}\",\n")
                .Append("        \"parameters\": {\n")
                .Append("            \"type\": \"dict\",\n")
                .Append($"            \"required\": {ToolSchema.RequiredList(tool)},\n")
                .Append("            \"properties\": {\n");
            for (var p = 0; p < properties.Count; p++)
            {
                var schema = properties[p].Value;
                text.Append($"                \"{properties[p].Name}\": {{\n")
                    .Append($"                    \"type\": \"{ToolSchema.OrNone(ToolSchema.Text(schema, "type"))}\",\n")
                    .Append($"                    \"description\": \"{ToolSchema.OrNone(ToolSchema.Text(schema, "description"))}\"");
                if (Default(schema) is { } value)
                    text.Append($",\n                    \"default\": \"{value}\"");
                text.Append("\n                }").Append(p < properties.Count - 1 ? ",\n" : "\n");
            }
            text.Append("            }\n        }\n    }").Append(t < tools.Count - 1 ? ",\n" : "\n");
        }
        return text.Append(']').ToString();
    }

    /// <summary>A default as Python's str prints it; what is false in Python is dropped.</summary>
    static string? Default(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("default", out var value))
            return null;
        return value.ValueKind switch
        {
            JsonValueKind.String => value.GetString() is { Length: > 0 } s ? s : null,
            JsonValueKind.Number when value.GetDouble() == 0 => null,
            JsonValueKind.False or JsonValueKind.Null => null,
            _ => PythonLiteral.Write(value),
        };
    }
}
