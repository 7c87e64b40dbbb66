using System.Text.RegularExpressions;
using Cria.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>Calls of Meta's built-in tools: `NAME.call(query="...")`, code as it is (spec section 6.4).</summary>
static partial class BuiltinCall
{
    public const string CodeInterpreter = "code_interpreter", QueryStart = ".call(query=\"";

    static readonly string[] SearchTools = ["brave_search", "wolfram_alpha", "photogen"];

    public static IReadOnlyList<string> Names { get; } = [CodeInterpreter, .. SearchTools];

    /// <summary>The lines that switch them on; the code interpreter is never listed, which leaves the second line empty.</summary>
    public static string Environment(IReadOnlyList<string>? tools)
    {
        if (tools is null or [])
            return "";
        var listed = string.Join(", ", tools.Where(t => t != CodeInterpreter));
        return $"Environment: ipython\n{(listed.Length > 0 ? "Tools: " + listed : "")}\n";
    }

    /// <summary>The text of a call of a built-in tool; null for any other.</summary>
    public static string? Write(FunctionCallContent call) =>
        SearchTools.Contains(call.Name) ? $"{call.Name}{QueryStart}{Argument(call, "query")}\")"
        : call.Name == CodeInterpreter ? Argument(call, "code")
        : null;

    /// <summary>The first call of that form in a text, of whatever name; null if there is none.</summary>
    public static FunctionCallContent? Parse(string text) =>
        Query().Match(text) is { Success: true } match ? new("call_0", match.Groups[1].Value, new Dictionary<string, object?> { ["query"] = match.Groups[2].Value }) : null;

    /// <summary>A call of the code interpreter.</summary>
    public static FunctionCallContent Code(string code) => new("call_0", CodeInterpreter, new Dictionary<string, object?> { ["code"] = code });

    /// <summary>A custom call that has a built-in tool's name gets the first argument as its query.</summary>
    public static FunctionCallContent Normalise(FunctionCallContent call) =>
        Names.Contains(call.Name) && call.Arguments is { Count: > 0 } given
            ? new(call.CallId, call.Name, new Dictionary<string, object?> { ["query"] = given.Values.First() }) : call;

    /// <summary>A call of one of the tools that take a query; no function tag in it, which would be read first.</summary>
    public static Node Grammar(GrammarBuilder grammar, string name) =>
        GrammarBuilder.Sequence(grammar.Literal(name + QueryStart), grammar.Regex($"(?![^\"]*{FunctionTags.Start})[^\"]*"), grammar.Literal("\")"));

    static string Argument(FunctionCallContent call, string name) =>
        call.Arguments?.TryGetValue(name, out var value) == true ? value?.ToString() ?? "" : "";

    [GeneratedRegex("""\b(\w+)\.call\(query="([^"]*)"\)""")]
    private static partial Regex Query();
}
