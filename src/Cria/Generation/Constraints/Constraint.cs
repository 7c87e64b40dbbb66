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
    public static Constraint JsonSchema(string schema, bool isAnyOrder = false)
    {
        var json = new JsonText(new());
        return new(json.Regulars, json, new SchemaGrammar(json, isAnyOrder).Compile(new SchemaDocument(schema).Root));
    }

    /// <summary>Begins a text.</summary>
    public ConstraintMatcher Begin(Tokenizer tokenizer) => new(this, tokenizer);

    internal ParserState Start => _parser.Start;

    internal ulong[] Mask(ParserState state, Tokenizer tokenizer, ulong[] room)
    {
        lock (_gate)
        {
            var vocabulary = TokenSlices.Of(tokenizer);
            if (_vocabulary != vocabulary)
                (_vocabulary, _masks) = (vocabulary, new Masks(vocabulary, _regulars, _json.PlainCharacter, _parser));
            return _masks!.Of(state, room);
        }
    }

    internal ParserState Advance(ParserState state, ReadOnlySpan<byte> text)
    {
        lock (_gate)
            foreach (var value in text)
                state = _parser.Step(state, value);
        return state;
    }

    internal long Least(ParserState state)
    {
        lock (_gate)
            return _parser.Least(state);
    }
}
