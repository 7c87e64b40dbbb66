using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>Calls of Meta's built-in tools: `NAME.call(query="...")`, code as it is (spec section 6.4).</summary>
static class BuiltinCall
{
    static readonly string[] SearchTools = ["brave_search", "wolfram_alpha", "photogen"];

    /// <summary>The text of a call of a built-in tool; null for any other.</summary>
    public static string? Write(FunctionCallContent call) =>
        SearchTools.Contains(call.Name) ? $"{call.Name}.call(query=\"{Argument(call, "query")}\")"
        : call.Name == "code_interpreter" ? Argument(call, "code")
        : null;

    static string Argument(FunctionCallContent call, string name) =>
        call.Arguments?.TryGetValue(name, out var value) == true ? value?.ToString() ?? "" : "";
}
