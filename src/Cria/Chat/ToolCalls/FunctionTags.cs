using System.Text.RegularExpressions;
using Cria.Generation.Constraints;
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
        for (var tag = Tag().Match(text); tag.Success;)
        {
            var start = tag.Index + tag.Length;
            if (Arguments(text[start..], out var length) is { } arguments)
                calls.Add(new($"call_{calls.Count}", tag.Groups[1].Value, arguments));
            tag = Tag().Match(text, start + length);
        }
        return calls.Count > 0 ? calls : null;
    }

    /// <summary>The call in the tag that a text begins with, its end left out; null if it begins with none whose arguments can be read.</summary>
    public static FunctionCallContent? ParseFirst(string text) =>
        Tag().Match(text) is { Success: true, Index: 0 } tag && Arguments(text[tag.Length..], out _) is { } arguments ? new("call_0", tag.Groups[1].Value, arguments) : null;

    /// <summary>One call after the other.</summary>
    public static Node Grammar(GrammarBuilder grammar, Node call, int most) => grammar.Repeat(call, 1, most, new Terminal(grammar.Json.Space));

    /// <summary>One call.</summary>
    /// <exception cref="CriaException">The name cannot stand in a tag, or the schema cannot be honoured.</exception>
    public static Node Grammar(GrammarBuilder grammar, string name, string schema) => Tag().Match($"{Start}{name}>{{") is { Success: true } match && match.Groups[1].Value == name
        ? GrammarBuilder.Sequence(grammar.Literal($"{Start}{name}>"), grammar.JsonArguments(schema), grammar.Literal(End)) : throw new CriaException("its name cannot stand in a function tag");

    /// <summary>The object that a text begins with; its length in characters if it is JSON, which may hold what looks like a tag.</summary>
    static Dictionary<string, object?>? Arguments(string text, out int length) =>
        JsonValues.ReadObject(text, out length) is { } json ? JsonValues.ToMap(json) : PythonicCalls.ParseDictionary(text);

    [GeneratedRegex(@"<function=([^{}<>\s]+)>\s*(?=\{)")]
    private static partial Regex Tag();
}
