namespace Cria.Generation.Constraints;

/// <summary>The values that meet some obligations: any of the scalars, objects or arrays.</summary>
sealed class Shape(IReadOnlyList<Obligation> obligations)
{
    public IReadOnlyList<Obligation> Obligations => obligations;

    public Regular Scalars { get; set; } = Regular.Nothing;

    public IReadOnlyList<ObjectRules> Objects { get; set; } = [];

    public IReadOnlyList<ArrayRules> Arrays { get; set; } = [];

    /// <summary>Bytes of the shortest value, <see cref="long.MaxValue"/> if there is none.</summary>
    public long Least { get; set; } = long.MaxValue;

    public Node? Node { get; set; }
}

/// <summary>Turns a schema into a grammar of the JSON texts that satisfy it. Shapes are sets of obligations, so recursive schemas give finitely many.</summary>
sealed class SchemaGrammar(JsonText json, bool isAnyOrder)
{
    const int MostShapes = 20_000;

    static readonly JsonTypes[] ScalarTypes = [JsonTypes.Null, JsonTypes.Boolean, JsonTypes.Number, JsonTypes.String];

    readonly SchemaCases _cases = new(json);
    readonly Dictionary<string, Shape> _shapes = [];
    readonly List<Shape> _made = [];

    public JsonText Json => json;

    public bool IsAnyOrder => isAnyOrder;

    /// <exception cref="CriaException">No value satisfies the schema, or something in it cannot be honoured.</exception>
    public Node Compile(Schema root) => NodeOf(Complete(root));

    /// <summary>As <see cref="Compile"/>, the objects as the arguments of a call: undeclared properties only where the schema's top level speaks of them, in a Python call none.</summary>
    /// <param name="root">The schema of the arguments.</param>
    /// <param name="isPython">Whether they are those of a Python call, in parentheses.</param>
    public Node CompileArguments(Schema root, bool isPython)
    {
        var isClosed = isPython || !(root.Has("additionalProperties") || root.Has("patternProperties"));
        var options = Complete(root).Objects.Select(o => o.Arguments(isPython, isClosed)).OfType<ObjectRules>().Select(o => o.Node).ToList();
        return options.Count > 0 ? new Choice(options) : throw root.Refused("", isPython ? "no arguments of a Python call satisfy it" : "no object satisfies it");
    }

    Shape Complete(Schema root)
    {
        var shape = ShapeOf([new(root, false)]);
        for (var i = 0; i < _made.Count; i++)
            Fill(_made[i]);
        for (var isChanged = true; isChanged;)
        {
            isChanged = false;
            for (var i = _made.Count - 1; i >= 0; i--)
                if (LeastOf(_made[i]) is var least && least < _made[i].Least)
                    (_made[i].Least, isChanged) = (least, true);
        }
        return shape.Least == long.MaxValue ? throw root.Refused("", "no value satisfies it") : shape;
    }

    public Shape ShapeOf(IEnumerable<Obligation> obligations)
    {
        var all = obligations.Where(o => o.Always != true).Select(Target).Where(o => o.Always != true).DistinctBy(o => (o.Schema.Id, o.IsNegated)).OrderBy(o => o.Schema.Id).ThenBy(o => o.IsNegated).ToArray();
        var key = string.Join(',', all.Select(o => o.IsNegated ? ~o.Schema.Id : o.Schema.Id));
        if (!_shapes.TryGetValue(key, out var shape))
        {
            _shapes[key] = shape = new(all);
            _made.Add(shape);
            if (_made.Count > MostShapes)
                throw new CriaException($"the schema is too complex: it has more than {MostShapes} combinations of its parts");
        }
        return shape;

        static Obligation Target(Obligation o)
        {
            for (var i = 0; i < 50 && o.Schema.IsOnlyReference; i++)
                o = o with { Schema = o.Schema.Reference! };
            return o;
        }
    }

    public Node NodeOf(Shape shape)
    {
        if (shape.Node is not null)
            return shape.Node;
        if (shape.Objects.Count + shape.Arrays.Count == 0)
            return shape.Node = new Terminal(shape.Scalars);
        return shape.Node = new Lazy(() => new Choice([new Terminal(shape.Scalars), .. shape.Objects.Where(o => o.Least() < long.MaxValue).Select(o => o.Node), .. shape.Arrays.Where(a => a.Least() < long.MaxValue).Select(a => a.Node)]), () => shape.Least);
    }

    /// <summary>A terminal and what follows, as one terminal where both are.</summary>
    public Node Then(Regular first, Node second, Node third) => second is Terminal value
        ? Node.Then(new Terminal(json.Regulars.Concat(first, value.Language)), third) : Node.Then(new Terminal(first), Node.Then(second, third));

    void Fill(Shape shape)
    {
        if (shape.Obligations.Any(o => o.Always == false))
            return;
        var regulars = json.Regulars;
        shape.Scalars = regulars.Or(ScalarTypes.Select(type => shape.Obligations.Count == 0 ? _cases.Universe(type) : regulars.And(shape.Obligations.Select(o => _cases.Scalar(o, type)).ToList())).Where(regulars.IsAlive).ToList());
        shape.Objects = [.. Cases(JsonTypes.Object).SelectMany(c => ObjectRules.Of(this, c, shape))];
        shape.Arrays = [.. Cases(JsonTypes.Array).Select(c => new ArrayRules(this, c, shape))];

        List<CasePart[]> Cases(JsonTypes type)
        {
            var all = shape.Obligations.Aggregate((IEnumerable<CasePart[]>)[[]], (all, o) => SchemaCases.All(all, _cases.Of(o, type))).Take(SchemaCases.MostCases + 1).ToList();
            if (all.Count > SchemaCases.MostAtOnce)
                all.RemoveAll(_cases.IsEmpty);
            return all.Count <= SchemaCases.MostAtOnce ? all : throw shape.Obligations[0].Schema.Refused("", $"has more than {SchemaCases.MostAtOnce} combinations of its alternatives");
        }
    }

    long LeastOf(Shape shape)
    {
        var least = json.Regulars.Shortest(shape.Scalars);
        foreach (var rules in shape.Objects)
            least = Math.Min(least, rules.Least());
        foreach (var rules in shape.Arrays)
            least = Math.Min(least, rules.Least());
        return least;
    }
}
