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
        for (var tag = Tag().Match(text); tag.Success; tag = tag.NextMatch())
            if (Arguments(text[(tag.Index + tag.Length)..]) is { } arguments)
                calls.Add(new($"call_{calls.Count}", tag.Groups[1].Value, arguments));
        return calls.Count > 0 ? calls : null;
    }

    /// <summary>One call after the other.</summary>
    public static Node Grammar(GrammarBuilder grammar, Node call, int most) => grammar.Repeat(call, 1, most, new Terminal(grammar.Json.Space));

    /// <summary>One call.</summary>
    /// <exception cref="CriaException">The name cannot stand in a tag, or the schema cannot be honoured.</exception>
    public static Node Grammar(GrammarBuilder grammar, string name, string schema) => Tag().Match($"{Start}{name}>{{") is { Success: true } match && match.Groups[1].Value == name
        ? GrammarBuilder.Sequence(grammar.Literal($"{Start}{name}>"), grammar.JsonArguments(schema), grammar.Literal(End)) : throw new CriaException("its name cannot stand in a function tag");

    static Dictionary<string, object?>? Arguments(string text) =>
        JsonValues.ReadObject(text, out _) is { } json ? JsonValues.ToMap(json) : PythonicCalls.ParseDictionary(text);

    [GeneratedRegex(@"<function=([^{}<>\s]+)>\s*(?=\{)")]
    private static partial Regex Tag();
}
