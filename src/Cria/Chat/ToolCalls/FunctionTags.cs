using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>Calls of the form `&lt;function=NAME>{"argument": value}&lt;/function>` (spec sections 6.3 e and 6.5).</summary>
static partial class FunctionTags
{
    public const string Start = "<function=", End = "</function>";

    /// <summary>A call as llama-models writes it.</summary>
    public static string Write(FunctionCallContent call) => $"{Start}{call.Name}>{JsonCalls.Arguments(call)}{End}";

    /// <summary>All calls in a text, wherever they stand; null if there is none. Arguments are a JSON object, or a Python dictionary; the end tag may be missing.</summary>
    public static IReadOnlyList<FunctionCallContent>? Parse(string text)
    {
        var calls = new List<FunctionCallContent>();
        for (var tag = Tag().Match(text); tag.Success; tag = tag.NextMatch())
            if (Arguments(text[(tag.Index + tag.Length)..]) is { } arguments)
                calls.Add(new($"call_{calls.Count}", tag.Groups[1].Value, arguments));
        return calls.Count > 0 ? calls : null;
    }

    static Dictionary<string, object?>? Arguments(string text) =>
        JsonValues.ReadObject(text, out _) is { } json ? JsonValues.ToMap(json) : PythonicCalls.ParseDictionary(text);

    [GeneratedRegex(@"<function=([^{}<>\s]+)>\s*(?=\{)")]
    private static partial Regex Tag();
}
