namespace Cria.Generation.Constraints;

/// <summary>Puts grammars together from parts; what one builder makes belongs to one constraint (<see cref="Constraint.Build"/>).</summary>
sealed class GrammarBuilder
{
    public GrammarBuilder() => Json = new(Regulars);

    public Regulars Regulars { get; } = new();

    public JsonText Json { get; }

    public Node Literal(string text) => new Terminal(Regulars.Literal(text));

    /// <summary>A control token by its literal text.</summary>
    public Node Control(string name) => new Terminal(Regulars.Literal(TokenSlices.ControlBytes(name), 0, Regular.Empty));

    /// <summary>One after the other.</summary>
    public static Node Sequence(params IReadOnlyList<Node> parts) => parts.Reverse().Aggregate(Node.Empty, (all, part) => Node.Then(part, all));

    /// <summary>Any one of them.</summary>
    public static Node Choice(params IReadOnlyList<Node> options) => new Choice(options);

    /// <summary>Repeated, with something between if it is given; <see cref="Regular.Unbounded"/> for any number. The part must not be empty.</summary>
    public Node Repeat(Node part, int min, int max, Node? separator = null)
    {
        var places = new Dictionary<int, Node>();
        return At(0);

        Node At(int count)
        {
            count = max == Regular.Unbounded ? Math.Min(count, Math.Max(1, min)) : count;
            if (!places.TryGetValue(count, out var place))
                places[count] = place = new Lazy(() => new Choice([
                    .. count >= min ? [Node.Empty] : Array.Empty<Node>(),
                    .. count < max ? [Sequence(count > 0 && separator is not null ? separator : Node.Empty, part, At(count + 1))] : Array.Empty<Node>()]), () => Least(count));
            return place;
        }

        long Least(int count)
        {
            if (count >= min)
                return 0;
            var one = Parser.Sum(Parser.Least(part, Regulars), separator is null ? 0 : Parser.Least(separator, Regulars));
            return one > int.MaxValue ? one : one * (min - count);
        }
    }

    /// <summary>What a regular expression matches as a whole.</summary>
    public Node Regex(string pattern) => new Terminal(Language(pattern));

    /// <summary>The same as a regular language.</summary>
    public Regular Language(string pattern) => Pattern.Compile(Regulars, pattern, set => Utf8.Of(Regulars, set), isWhole: true);

    /// <summary>A JSON value that satisfies a schema.</summary>
    public Node JsonSchema(string schema, bool isAnyOrder = false) => new SchemaGrammar(Json, isAnyOrder).Compile(new SchemaDocument(schema).Root);

    /// <summary>The arguments of a call by the schema of their object, in any order, as JSON.</summary>
    public Node JsonArguments(string schema) => new SchemaGrammar(Json, isAnyOrder: true).CompileArguments(new SchemaDocument(schema).Root, isPython: false);

    /// <summary>The arguments of a Python call by the schema of their object, in any order, in parentheses: `(a=1, b="x")`.</summary>
    public Node PythonArguments(string schema) => new SchemaGrammar(new(Regulars, isPython: true), isAnyOrder: true).CompileArguments(new SchemaDocument(schema).Root, isPython: true);
}
