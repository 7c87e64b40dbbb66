using System.Text;
using Cria.Tokenization;

namespace Cria.Generation.Constraints;

/// <summary>
/// What a text must be: a JSON value, one that satisfies a schema, a regular expression, or a grammar. Generation under it writes only texts
/// that belong to it: a token is allowed if and only if some text goes on from it. Immutable; may serve any number of conversations at once.
/// </summary>
public sealed class Constraint
{
    readonly Lock _gate = new();
    readonly Regulars _regulars;
    readonly JsonText _json;
    readonly Parser _parser;
    Masks? _masks;
    TokenSlices? _vocabulary;

    Constraint(Regulars regulars, JsonText json, Node root)
    {
        (_regulars, _json) = (regulars, json);
        _parser = new(regulars, root);
        if (_parser.Start.IsDead)
            throw new CriaException("no text satisfies the constraint");
    }

    /// <summary>JSON that satisfies a schema (drafts 4 to 2020-12).</summary>
    /// <param name="schema">The schema as JSON text.</param>
    /// <param name="isAnyOrder">Whether properties may come in any order; if not, they come as the schema declares them, free ones last.</param>
    /// <exception cref="CriaException">No value satisfies it, or it holds what cannot be honoured: the message names the place.</exception>
    public static Constraint JsonSchema(string schema, bool isAnyOrder = false) => Build(b => b.JsonSchema(schema, isAnyOrder));

    /// <summary>The schema of a JSON object of any kind.</summary>
    internal const string JsonObject = """{"type":"object"}""";

    /// <summary>A JSON object of any kind.</summary>
    public static Constraint Json() => JsonSchema(JsonObject);

    /// <summary>Text that a regular expression matches as a whole, as ECMAScript with the flag u reads it; no back references, look-behind or word boundaries.</summary>
    /// <exception cref="CriaException">It is no such expression.</exception>
    public static Constraint Regex(string pattern) => Build(b => b.Regex(pattern));

    /// <summary>Text of a grammar in GBNF, llama.cpp's notation; it begins with the rule `root`.</summary>
    /// <exception cref="CriaException">It is no such grammar, or it is left-recursive.</exception>
    public static Constraint Gbnf(string grammar) => Build(b => Constraints.Gbnf.Read(grammar, b));

    /// <summary>Text of a grammar put together from parts.</summary>
    internal static Constraint Build(Func<GrammarBuilder, Node> make)
    {
        var builder = new GrammarBuilder();
        return new(builder.Regulars, builder.Json, make(builder));
    }

    /// <summary>Begins a text.</summary>
    /// <param name="tokenizer">The vocabulary of what follows.</param>
    /// <param name="text">What stands already.</param>
    /// <exception cref="CriaException">No text of the constraint begins so.</exception>
    public ConstraintMatcher Begin(Tokenizer tokenizer, string text = "")
    {
        var state = Advance(_parser.Start, Encoding.UTF8.GetBytes(text));
        return state.IsDead ? throw new CriaException($"no text that satisfies the constraint begins with {OneLine.Quote(text)}") : new(this, tokenizer, state);
    }

    /// <summary>Whether a text satisfies it.</summary>
    internal bool Accepts(string text) => Advance(_parser.Start, Encoding.UTF8.GetBytes(text)).IsAccepting;

    internal void WriteMask(ParserState state, Tokenizer tokenizer, ulong[] mask)
    {
        lock (_gate)
        {
            var vocabulary = TokenSlices.Of(tokenizer);
            if (_vocabulary != vocabulary)
                (_vocabulary, _masks) = (vocabulary, new Masks(vocabulary, _regulars, _json.Character, _json.PlainCharacter, _parser));
            _masks!.Write(state, mask);
        }
    }

    internal ParserState Advance(ParserState state, ReadOnlySpan<byte> text)
    {
        lock (_gate)
            foreach (var value in text)
                state = _parser.Step(state, value);
        return state;
    }

    internal byte[] ShortestEnd(ParserState state)
    {
        lock (_gate)
            return _parser.ShortestEnd(state);
    }

    internal byte[] Foreseen(ParserState state, int most)
    {
        lock (_gate)
            return _parser.Foreseen(state, most);
    }

    internal long Least(ParserState state)
    {
        lock (_gate)
            return _parser.Least(state);
    }
}
