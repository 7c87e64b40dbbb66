using System.Text.Json;
using Cria.Chat.ToolCalls;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>The text of a tool's result inside a prompt.</summary>
static class ToolResult
{
    /// <summary>A string as it is; anything else as JSON.</summary>
    public static string ToText(object? result) => result switch
    {
        null => "",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        _ => PythonJson.Write(result),
    };

    /// <summary>As the Hugging Face template does: strings are JSON-quoted, numbers and booleans are printed as Python prints them.</summary>
    public static string ToJson(ChatMessage message)
    {
        var results = message.Contents.OfType<FunctionResultContent>().Select(r => r.Result).ToList();
        var value = results.Count > 0 ? results[0] : message.Text;
        return PythonLiteral.IsScalar(value) ? PythonLiteral.Write(value) : PythonJson.Write(value);
    }
}
