using System.Text.Json;
using Cria.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>Calls as JSON objects: `{"type": "function", "name": NAME, "parameters": {...}}` of Llama 3.1, without `type` in the Hugging Face templates (spec sections 6.3 d and 6.6).</summary>
static class JsonCalls
{
    /// <summary>What may stand first in a call.</summary>
    public static readonly string[] Keys = ["name", "type", "parameters", "arguments"];

    /// <summary>A call as llama-models writes it.</summary>
    public static string Write(FunctionCallContent call) =>
        $"{{\"type\": \"function\", \"name\": {Quote(call.Name)}, \"parameters\": {Arguments(call)}}}";

    /// <summary>The arguments of a call, escaped to ASCII as `json.dumps` does by default.</summary>
    public static string Arguments(FunctionCallContent call) => new PythonJson(Ascii: true).ToText(call.Arguments ?? new Dictionary<string, object?>());

    /// <summary>The calls of a text that is one JSON object with a name and parameters (or `arguments`), or several with `;` between them; null if it is anything else.</summary>
    public static IReadOnlyList<FunctionCallContent>? Parse(string text)
    {
        if (!text.AsSpan().TrimStart().StartsWith('{'))
            return null;
        var calls = new List<FunctionCallContent>();
        for (var rest = text.Trim(); rest.Length > 0;)
        {
            if (JsonValues.ReadObject(rest, out var length) is not { } json
                || !json.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String
                || !(json.TryGetProperty("parameters", out var arguments) || json.TryGetProperty("arguments", out arguments))
                || arguments.ValueKind != JsonValueKind.Object)
                return null;
            calls.Add(new($"call_{calls.Count}", name.GetString()!, JsonValues.ToMap(arguments)));
            rest = rest[length..].TrimStart();
            if (rest.Length == 0)
                break;
            if (rest[0] != ';')
                return null;
            rest = rest[1..].TrimStart();
        }
        return calls;
    }

    /// <summary>One call, or several.</summary>
    public static Node Grammar(GrammarBuilder grammar, Node call, int most) =>
        grammar.Repeat(call, 1, most, GrammarBuilder.Sequence(grammar.Literal(";"), new Terminal(grammar.Json.Space)));

    /// <summary>One call, in either of the forms.</summary>
    /// <exception cref="CriaException">The schema cannot be honoured.</exception>
    public static Node Grammar(GrammarBuilder grammar, string name, string schema)
    {
        var (json, r) = (grammar.Json, grammar.Regulars);
        var type = r.Concat(r.Literal("\"type\""), json.Colon, r.Literal("\"function\""), json.Comma);
        var start = r.Concat(r.Literal("{"), json.Space, r.Optional(type), r.Literal("\"name\""), json.Colon, r.Literal(JsonText.Quote(name), 0, Regular.Empty), json.Comma,
            r.Or(r.Literal("\"parameters\""), r.Literal("\"arguments\"")), json.Colon);
        return GrammarBuilder.Sequence(new Terminal(start), grammar.JsonArguments(schema), new Terminal(r.Concat(json.Space, r.Literal("}"))));
    }

    static string Quote(string text) => new PythonJson(Ascii: true).ToText(text);
}
