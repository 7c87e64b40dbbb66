using System.Numerics;

namespace Cria.Generation.Constraints;

/// <summary>One case of arrays. Places are made as they are reached.</summary>
sealed class ArrayRules
{
    const int MostContains = 4, MostCandidates = 1000, MostPlaces = 2000;

    readonly record struct Place(long Index, (long, long, long, long) Counts, BigInteger Used);

    readonly SchemaGrammar _grammar;
    readonly Shape[][] _items; // by index up to the end of the prefixes, then by the contained values that an item is counted as
    readonly List<(int From, Obligation Value, long Min, long Max)> _contains;
    readonly List<Regular>? _candidates; // of unique items
    readonly Dictionary<Place, Node> _places = [];
    readonly long _min, _max, _last;

    public ArrayRules(SchemaGrammar grammar, CasePart[] parts, Shape owner)
    {
        _grammar = grammar;
        _min = parts.Max(p => (long?)p.Min) ?? 0;
        _max = parts.Min(p => (long?)p.Max) ?? long.MaxValue;
        _contains = [.. parts.Select(p => p.Contains).OfType<(int, Obligation, long, long)>()];
        if (_contains.Count > MostContains || _contains.Count > 0 && (_min > MostPlaces || _contains.Exists(c => c.Min > MostPlaces)))
            throw owner.Obligations[0].Schema.Refused("contains", "asks for too much at once");
        var prefix = parts.Max(p => (int?)p.Prefix.Count) ?? 0;
        _items = [.. Enumerable.Range(0, Math.Max(prefix, _contains.Count == 0 ? 0 : _contains.Max(c => c.From)) + 1).Select(Shapes)];
        _last = Math.Max(Math.Max(1, _items.Length - 1), _max < long.MaxValue ? _max : _min); // 0 is the first alone
        if (_max <= 1 || !parts.Any(p => p.IsUnique))
            return;
        _candidates = Candidates();
        if (_candidates is null || _contains.Count > 0)
            throw owner.Obligations.Where(o => o.Schema.Has("uniqueItems")).Select(o => o.Schema).FirstOrDefault(owner.Obligations[0].Schema)
                .Refused("uniqueItems", "can be honoured only for items of an enum of scalars or arrays of at most one item");

        Shape[] Shapes(int index)
        {
            var own = parts.SelectMany(p => index < p.Prefix.Count ? [p.Prefix[index]] : p.Items is { } items ? [items] : Array.Empty<Obligation>()).ToList();
            return [.. Enumerable.Range(0, 1 << _contains.Count).Select(counted => grammar.ShapeOf([.. own, .. _contains.SelectMany((c, i) =>
                index < c.From ? [] : (counted >> i & 1) != 0 ? [c.Value] : c.Max < long.MaxValue ? [c.Value.Negated] : Array.Empty<Obligation>())]))];
        }

        List<Regular>? Candidates()
        {
            var all = new HashSet<string>();
            foreach (var shape in _items.Select(s => s[0]))
            {
                if (shape.Obligations.Select(o => o.IsNegated ? null : o.Schema.Values).FirstOrDefault(v => v is not null) is not { } values)
                    return null;
                foreach (var value in values)
                    if (value.ValueKind is System.Text.Json.JsonValueKind.Array or System.Text.Json.JsonValueKind.Object)
                        return null;
                    else
                        all.Add(value.ValueKind == System.Text.Json.JsonValueKind.String ? System.Text.Encoding.UTF8.GetString(JsonText.Quote(value.GetString()!)) : value.GetRawText());
            }
            return all.Count > MostCandidates ? null : [.. all.Select(grammar.Json.Regulars.Literal)];
        }
    }

    public Node Node => Node.Then(new Terminal(_grammar.Json.Regulars.Literal("[")), At(default));

    /// <summary>Bytes of the shortest array, as far as the items are known.</summary>
    public long Least() => Parser.Sum(1, Least(default));

    Node At(Place place) => _places.TryGetValue(place, out var node) ? node : _places[place] = new Lazy(() => Make(place), () => Least(place));

    Node Make(Place place)
    {
        var json = _grammar.Json;
        var before = place.Index == 0 ? json.Space : json.Comma;
        var options = new List<Node>();
        if (place.Index >= _min && IsContained(place))
            options.Add(new Terminal(json.Regulars.Concat(json.Space, json.Regulars.Literal("]"))));
        foreach (var (shape, next) in Items(place))
            if (_candidates is null)
                options.Add(_grammar.Then(before, _grammar.NodeOf(shape), At(next)));
            else
                for (var i = 0; i < _candidates.Count; i++)
                    if ((place.Used >> i).IsEven && json.Regulars.IsAlive(json.Regulars.And(shape.Scalars, _candidates[i])))
                        options.Add(_grammar.Then(before, new Terminal(_candidates[i]), At(next with { Used = place.Used | BigInteger.One << i })));
        return new Choice(options);
    }

    /// <summary>The items that may follow, and the place after each.</summary>
    IEnumerable<(Shape Item, Place Next)> Items(Place place)
    {
        if (place.Index >= _max)
            yield break;
        var shapes = _items[Math.Min(place.Index, _items.Length - 1)];
        for (var counted = 0; counted < shapes.Length; counted++)
        {
            if (shapes[counted].Least == long.MaxValue)
                continue;
            var counts = place.Counts;
            var isPossible = true;
            for (var i = 0; i < _contains.Count; i++)
                if ((counted >> i & 1) != 0)
                {
                    var (from, _, min, max) = _contains[i];
                    isPossible &= place.Index >= from && Count(counts, i) < max && (max < long.MaxValue || Count(counts, i) < min);
                    counts = With(counts, i, Count(counts, i) + 1);
                }
            if (isPossible)
                yield return (shapes[counted], place with { Index = Math.Min(place.Index + 1, _last), Counts = counts });
        }
    }

    bool IsContained(Place place) => _contains.Index().All(c => Count(place.Counts, c.Index) >= c.Item.Min);

    static long Count((long, long, long, long) counts, int i) => i switch { 0 => counts.Item1, 1 => counts.Item2, 2 => counts.Item3, _ => counts.Item4 };

    static (long, long, long, long) With((long, long, long, long) counts, int i, long value) =>
        (i == 0 ? value : counts.Item1, i == 1 ? value : counts.Item2, i == 2 ? value : counts.Item3, i == 3 ? value : counts.Item4);

    long Least(Place place)
    {
        if (_min > _max)
            return long.MaxValue;
        if (_contains.Count > 0)
            return Search(place);
        if (_candidates is not null && _candidates.Count < _min)
            return long.MaxValue;
        var sum = place.Index == 0 && _min > 0 ? 0L : 1L; // no comma before the first
        for (var i = place.Index; i < _min && sum < long.MaxValue; i++)
            if (i < _items.Length - 1)
                sum = Parser.Sum(sum, Parser.Sum(1, _items[i][0].Least));
            else
                return Parser.Sum(sum, _items[^1][0].Least == long.MaxValue ? long.MaxValue : (1 + _items[^1][0].Least) * (_min - i));
        return sum;
    }

    /// <summary>The shortest way to the end over the places.</summary>
    long Search(Place start)
    {
        var queue = new PriorityQueue<Place, long>([(start, 0)]);
        var seen = new HashSet<Place>();
        while (queue.TryDequeue(out var place, out var length))
        {
            if (!seen.Add(place))
                continue;
            if (place.Index >= _min && IsContained(place))
                return length + 1;
            foreach (var (item, next) in Items(place))
                queue.Enqueue(next, length + (place.Index == 0 ? 0 : 1) + item.Least);
        }
        return long.MaxValue;
    }
}
