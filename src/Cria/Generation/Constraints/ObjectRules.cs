using System.Numerics;

namespace Cria.Generation.Constraints;

/// <summary>
/// One case of objects: properties in their order, then those that are required but not declared and the free ones, in any order. Places are
/// made as they are reached, so limits cost nothing before.
/// </summary>
sealed class ObjectRules
{
    sealed record Property(string Name, Regular Key, Shape Value, bool IsRequired);

    /// <summary>Properties whose keys are not declared. A demand must be met by one.</summary>
    sealed record Free(Regular Keys, Shape Value, bool IsDemand);

    readonly record struct Place(int Index, bool IsFirst, long Distinct, long Total, BigInteger Seen, int Used);

    readonly SchemaGrammar _grammar;
    readonly List<Property> _ordered = [], _anywhere = [];
    readonly List<Free> _free = [];
    readonly bool _isArguments; // of a Python call
    readonly Dictionary<Place, Node> _places = [];
    readonly long _min, _max;
    readonly bool _isImpossible;

    ObjectRules(SchemaGrammar grammar, CasePart[] parts, List<(Regular Keys, Obligation? Value)> demands, Shape owner)
    {
        _grammar = grammar;
        var regulars = grammar.Json.Regulars;
        _min = parts.Max(p => (long?)p.Min) ?? 0;
        _max = parts.Min(p => (long?)p.Max) ?? long.MaxValue;
        var required = parts.SelectMany(p => p.Required).ToHashSet();
        var declared = parts.SelectMany(p => p.Properties).Select(p => p.Name).Distinct().ToList();
        var keys = parts.Select(p => p.Keys).OfType<Regular>().ToList();
        foreach (var name in declared.Concat(required.Except(declared)))
        {
            var isAllowed = keys.TrueForAll(k => regulars.Matches(k, JsonText.Quote(name)));
            var value = grammar.ShapeOf(parts.SelectMany(p => ValueOf(p, name, regulars)));
            _isImpossible |= required.Contains(name) && !isAllowed;
            if (isAllowed)
                (grammar.IsAnyOrder || !declared.Contains(name) ? _anywhere : _ordered).Add(new(name, regulars.Literal(JsonText.Quote(name), 0, Regular.Empty), value, required.Contains(name)));
        }
        var free = regulars.And([grammar.Json.String, .. keys]);
        if (declared.Count + required.Count > 0)
            free = regulars.And(free, regulars.Not(regulars.AnyOf(declared.Union(required).Select(JsonText.Quote))));
        Classes(free, parts.SelectMany(p => p.Patterns).Select(p => p.Keys).Distinct().ToList(), 0, []);
        foreach (var (wanted, value) in demands)
        {
            var classes = _free.Where(f => !f.IsDemand).Select(f => (Keys: regulars.And(f.Keys, wanted), f.Value)).Where(f => regulars.IsAlive(f.Keys)).ToList();
            if (classes.Count > 1)
                throw owner.Obligations[0].Schema.Refused("", "requires a property that its patterns treat in different ways, which cannot be honoured");
            if (classes.Count == 0)
                _isImpossible = true;
            else
                _free.Add(new(classes[0].Keys, grammar.ShapeOf([.. classes[0].Value.Obligations, .. value is { } v ? [v] : Array.Empty<Obligation>()]), true));
        }
        if (_free.Count > 30)
            throw owner.Obligations[0].Schema.Refused("patternProperties", "has too many patterns");
        if (_free.Count > 0 && _min > required.Count + 1 && _min <= _max)
            throw owner.Obligations[0].Schema.Refused("minProperties", "asks for several free properties, which cannot be honoured: their keys might be equal");

        // Keys by the patterns they match.
        void Classes(Regular keys, List<Regular> patterns, int at, List<Regular> matched)
        {
            if (!regulars.IsAlive(keys))
                return;
            if (at == patterns.Count)
            {
                var value = grammar.ShapeOf(parts.SelectMany(p => p.Patterns.Any(q => matched.Contains(q.Keys)) ? p.Patterns.Where(q => matched.Contains(q.Keys)).Select(q => q.Value)
                    : p.Additional is { } additional ? [additional] : []));
                if (value.Obligations.All(o => o.Always != false))
                    _free.Add(new(keys, value, false));
                return;
            }
            Classes(regulars.And(keys, patterns[at]), patterns, at + 1, [.. matched, patterns[at]]);
            Classes(regulars.And(keys, regulars.Not(patterns[at])), patterns, at + 1, matched);
        }
    }

    ObjectRules(ObjectRules rules, bool isPython, bool isClosed)
    {
        (_grammar, _min, _max, _isArguments) = (rules._grammar, rules._min, rules._max, isPython);
        (_ordered, _anywhere) = isPython ? (Arguments(rules._ordered), Arguments(rules._anywhere)) : (rules._ordered, rules._anywhere);
        _free = isClosed ? [] : rules._free;
        _isImpossible = isClosed && rules._free.Exists(f => f.IsDemand) || isPython && rules._ordered.Concat(rules._anywhere).Any(p => p.IsRequired && !IsIdentifier(p.Name));

        List<Property> Arguments(List<Property> properties) =>
            [.. properties.Where(p => IsIdentifier(p.Name)).Select(p => p with { Key = _grammar.Json.Regulars.Literal(p.Name) })];
    }

    /// <summary>The rules of a case: several where a required value may be that of one property or of another.</summary>
    public static IEnumerable<ObjectRules> Of(SchemaGrammar grammar, CasePart[] parts, Shape owner)
    {
        var declared = parts.SelectMany(p => p.Properties.Select(q => q.Name).Concat(p.Required)).Distinct().ToList();
        IEnumerable<(CasePart[] Parts, List<(Regular, Obligation?)> Demands)> ways = [(parts, [])];
        foreach (var exists in parts.Select(p => p.Exists).OfType<(Regular Keys, Obligation? Value)>())
        {
            var names = declared.Where(n => grammar.Json.Regulars.Matches(exists.Keys, JsonText.Quote(n))).ToList();
            ways = ways.SelectMany(way => names.Select(n => (Parts: (CasePart[])[.. way.Parts, new() { Required = [n], Properties = exists.Value is { } value ? [(n, value)] : [] }], way.Demands))
                .Append((way.Parts, [.. way.Demands, exists])));
        }
        var all = ways.Take(SchemaCases.MostAtOnce + 1).ToList();
        if (all.Count > SchemaCases.MostAtOnce)
            throw owner.Obligations[0].Schema.Refused("", $"has more than {SchemaCases.MostAtOnce} combinations of its alternatives");
        return all.Select(way => new ObjectRules(grammar, way.Parts, way.Demands, owner)).Where(r => !r._isImpossible);
    }

    /// <summary>What a part says of a property's value.</summary>
    public static IEnumerable<Obligation> ValueOf(CasePart part, string name, Regulars regulars)
    {
        var isNamed = false;
        foreach (var (key, value) in part.Properties)
            if (key == name)
            {
                isNamed = true;
                yield return value;
            }
        foreach (var (keys, value) in part.Patterns)
            if (regulars.Matches(keys, JsonText.Quote(name)))
            {
                isNamed = true;
                yield return value;
            }
        if (!isNamed && part.Additional is { } additional)
            yield return additional;
    }

    public Node Node => Node.Then(new Terminal(_grammar.Json.Regulars.Literal(_isArguments ? "(" : "{")), At(new(0, true, 0, 0, 0, 0)));

    /// <summary>The rules for the arguments of a call; null if there are none that satisfy these.</summary>
    /// <param name="isPython">Whether they are those of a Python call, `(a=1, b="x")`: whose names must be identifiers.</param>
    /// <param name="isClosed">Whether undeclared properties are left out.</param>
    public ObjectRules? Arguments(bool isPython, bool isClosed) => new ObjectRules(this, isPython, isClosed) is { _isImpossible: false } rules && rules.Least() < long.MaxValue ? rules : null;

    /// <summary>Whether a name may stand before the = of an argument.</summary>
    public static bool IsIdentifier(string name) => name.Length > 0 && !char.IsDigit(name[0]) && name.All(c => char.IsLetter(c) || char.IsDigit(c) || c == '_');

    /// <summary>Bytes of the shortest object, as far as the values are known.</summary>
    public long Least() => Parser.Sum(1, Least(new(0, true, 0, 0, 0, 0)));

    Node At(Place place) => _places.TryGetValue(place, out var node) ? node : _places[place] = new Lazy(() => Make(place), () => Least(place));

    Node Make(Place place)
    {
        var json = _grammar.Json;
        var before = place.IsFirst ? json.Space : json.Comma;
        var options = new List<Node>();
        var total = _max == long.MaxValue ? 0 : place.Total + 1;
        var isDone = true;
        for (var i = place.Index; i < _ordered.Count && isDone; i++)
        {
            if (total <= _max && _ordered[i].Value.Least < long.MaxValue)
                options.Add(Pair(_ordered[i].Key, _ordered[i].Value, place with { Index = i + 1, IsFirst = false, Distinct = Distinct(1), Total = total }));
            isDone = !_ordered[i].IsRequired;
        }
        if (!isDone)
            return new Choice(options);
        var later = place with { Index = _ordered.Count, IsFirst = false, Total = total };
        for (var i = 0; i < _anywhere.Count; i++)
            if (!IsSeen(place, i))
            {
                if (total <= _max && _anywhere[i].Value.Least < long.MaxValue)
                    options.Add(Pair(_anywhere[i].Key, _anywhere[i].Value, later with { Distinct = Distinct(1), Seen = place.Seen | BigInteger.One << i }));
                isDone &= !_anywhere[i].IsRequired;
            }
        for (var i = 0; i < _free.Count; i++)
        {
            var isUsed = (place.Used >> i & 1) != 0;
            var isCounted = _free[i].IsDemand || _min > 0;
            if (total <= _max && _free[i].Value.Least < long.MaxValue && !(isUsed && _free[i].IsDemand))
                options.Add(Pair(_free[i].Keys, _free[i].Value, later with { Distinct = Distinct(place.Used == 0 ? 1 : 0), Used = isCounted ? place.Used | 1 << i : place.Used }));
            isDone &= !_free[i].IsDemand || isUsed;
        }
        if (isDone && place.Distinct >= _min)
            options.Add(new Terminal(json.Regulars.Concat(json.Space, json.Regulars.Literal(_isArguments ? ")" : "}"))));
        return new Choice(options);

        long Distinct(int more) => Math.Min(place.Distinct + more, _min);
        Node Pair(Regular key, Shape value, Place next) => _grammar.Then(json.Regulars.Concat(before, key, _isArguments ? json.Regulars.Literal("=") : json.Colon), _grammar.NodeOf(value), At(next));
    }

    bool IsSeen(Place place, int index) => !(place.Seen >> index).IsEven;

    long Least(Place place)
    {
        var sum = 1L;
        var count = 0;
        var optional = new List<long>();
        for (var i = place.Index; i < _ordered.Count; i++)
            Add(_ordered[i].Key, _ordered[i].Value, _ordered[i].IsRequired);
        for (var i = 0; i < _anywhere.Count; i++)
            if (!IsSeen(place, i))
                Add(_anywhere[i].Key, _anywhere[i].Value, _anywhere[i].IsRequired);
        for (var i = 0; i < _free.Count; i++)
            if (!_free[i].IsDemand || (place.Used >> i & 1) == 0)
                Add(_free[i].Keys, _free[i].Value, _free[i].IsDemand);
        var missing = (int)Math.Max(0, _min - place.Distinct - count);
        if (missing > optional.Count || (_max < long.MaxValue ? place.Total : 0) + count + missing > _max)
            return long.MaxValue;
        optional.Sort();
        foreach (var least in optional.Take(missing))
            sum = Parser.Sum(sum, least);
        return sum < long.MaxValue && place.IsFirst && count + missing > 0 ? sum - 1 : sum; // no comma before the first

        void Add(Regular key, Shape value, bool isRequired)
        {
            var least = Parser.Sum(Parser.Sum(_grammar.Json.Regulars.Shortest(key), 2), value.Least); // with a comma and a colon
            if (!isRequired)
                optional.Add(least);
            else
                (sum, count) = (Parser.Sum(sum, least), count + 1);
        }
    }
}
