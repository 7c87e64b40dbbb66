using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cria.Generation.Constraints;

/// <summary>A schema that a value must satisfy, or must not.</summary>
readonly record struct Obligation(Schema Schema, bool IsNegated)
{
    /// <summary>Whether all values meet it or none, whatever they are.</summary>
    public bool? Always => Schema.Always is { } always ? always != IsNegated : null;

    public Obligation Negated => new(Schema, !IsNegated);
}

/// <summary>One requirement on objects or on arrays; all parts of a case must hold.</summary>
sealed record CasePart
{
    public IReadOnlyList<(string Name, Obligation Value)> Properties { get; init; } = [];

    /// <summary>By the texts of keys, with their quotes as everywhere.</summary>
    public IReadOnlyList<(Regular Keys, Obligation Value)> Patterns { get; init; } = [];

    /// <summary>Of the keys that are none of those above.</summary>
    public Obligation? Additional { get; init; }

    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>The texts of all keys.</summary>
    public Regular? Keys { get; init; }

    /// <summary>A property among these keys must have this value.</summary>
    public (Regular Keys, Obligation? Value)? Exists { get; init; }

    public IReadOnlyList<Obligation> Prefix { get; init; } = [];

    /// <summary>Of the items after the prefix.</summary>
    public Obligation? Items { get; init; }

    /// <summary>So many items from a place on.</summary>
    public (int From, Obligation Value, long Min, long Max)? Contains { get; init; }

    public bool IsUnique { get; init; }

    /// <summary>Of properties or items.</summary>
    public long Min { get; init; }

    public long Max { get; init; } = long.MaxValue;
}

/// <summary>What schemas say about values of one type. Scalars become regular languages, exactly; objects and arrays a list of cases of which one must hold.</summary>
sealed class SchemaCases(JsonText json)
{
    public const int MostCases = 5000, MostAtOnce = 300;

    readonly Dictionary<(Schema, JsonTypes, bool), Regular?> _scalars = [];
    readonly Dictionary<(Schema, JsonTypes, bool), List<CasePart[]>?> _cases = [];
    readonly Dictionary<Schema, IReadOnlyList<Schema>> _values = [];
    readonly Regulars _regulars = json.Regulars;

    /// <summary>The texts of values of a scalar type that meet an obligation.</summary>
    public Regular Scalar(Obligation obligation, JsonTypes type) => obligation.IsNegated
        ? Complement(Scalar(obligation.Schema, type, isEveryText: true), type) : Scalar(obligation.Schema, type, isEveryText: false);

    /// <summary>The cases of objects or arrays that meet an obligation.</summary>
    public List<CasePart[]> Of(Obligation obligation, JsonTypes type) => Of(obligation.Schema, obligation.IsNegated, type);

    public static IEnumerable<CasePart[]> All(IEnumerable<CasePart[]> left, List<CasePart[]> right) => left.SelectMany(l => right, (l, r) => (CasePart[])[.. l, .. r]);

    public Regular Universe(JsonTypes type) => type switch
    {
        JsonTypes.Null => json.Null,
        JsonTypes.Boolean => _regulars.Or(json.True, json.False),
        JsonTypes.Number => json.Number,
        _ => json.String,
    };

    Regular Complement(Regular language, JsonTypes type) =>
        language == Universe(type) ? Regular.Nothing : _regulars.And(type == JsonTypes.Number ? json.Decimal : Universe(type), _regulars.Not(language));

    /// <param name="schema">The schema.</param>
    /// <param name="type">A scalar type.</param>
    /// <param name="isEveryText">Whether all texts of a number count (1.0 for 1), as under a complement, or only the usual one.</param>
    Regular Scalar(Schema schema, JsonTypes type, bool isEveryText)
    {
        if (schema.Always is { } always)
            return always ? Universe(type) : Regular.Nothing;
        if (_scalars.TryGetValue((schema, type, isEveryText), out var known))
            return known ?? throw schema.Refused("", "refers to itself without anything between");
        _scalars[(schema, type, isEveryText)] = null;
        var parts = Parts();
        var language = parts.Count == 0 ? Universe(type) : _regulars.And(parts);
        return (_scalars[(schema, type, isEveryText)] = language)!;

        Regular Sub(Schema sub) => Scalar(sub, type, isEveryText);
        Regular Not(Schema sub) => Complement(Scalar(sub, type, isEveryText: true), type);

        List<Regular> Parts()
        {
            if (schema.IsOnlyReference)
                return [Sub(schema.Reference!)];
            if ((schema.Types & type) == 0)
                return [Regular.Nothing];
            var all = new List<Regular>();
            if (schema.Reference is { } target)
                all.Add(Sub(target));
            if (schema.Values is { } values)
                all.Add(Texts(values.Where(v => TypeOf(v) == type), schema, isEveryText));
            if (type == JsonTypes.String)
                AddString(schema, all);
            if (type == JsonTypes.Number)
                AddNumber(schema, all, isEveryText);
            all.AddRange(schema.List("allOf").Select(Sub));
            if (schema.Has("anyOf"))
                all.Add(_regulars.Or(schema.List("anyOf").Select(Sub).ToList()));
            if (schema.Has("oneOf"))
                all.Add(OneOf(schema.List("oneOf")));
            if (schema.Sub("not") is { } not)
                all.Add(Not(not));
            if (schema.Sub("if") is { } condition && (schema.Has("then") || schema.Has("else")))
                all.Add(_regulars.Or(_regulars.And(Sub(condition), schema.Sub("then") is { } then ? Sub(then) : Universe(type)),
                    _regulars.And(Not(condition), schema.Sub("else") is { } otherwise ? Sub(otherwise) : Universe(type))));
            return all;
        }

        Regular OneOf(IReadOnlyList<Schema> options)
        {
            var every = options.Select(o => Scalar(o, type, isEveryText: true)).ToList();
            return _regulars.Or(options.Select((o, i) => _regulars.And(every.Where((e, j) => j != i && _regulars.IsAlive(_regulars.And(e, every[i])))
                .Select(e => Complement(e, type)).Prepend(Sub(o)).ToList())).ToList());
        }
    }

    static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Number => JsonTypes.Number,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        _ => JsonTypes.Object,
    };

    Regular Texts(IEnumerable<JsonElement> values, Schema schema, bool isEveryText)
    {
        var others = new List<Regular>();
        var strings = new List<byte[]>();
        foreach (var value in values)
            switch (value.ValueKind)
            {
                case JsonValueKind.String:
                    strings.Add(JsonText.Quote(Unicode(value, schema)));
                    break;
                case JsonValueKind.Number:
                    var number = DecimalNumber.Parse(value.GetRawText()) ?? throw schema.Refused("enum", "holds a number of too many digits");
                    others.Add(isEveryText ? json.SameNumber(number) : _regulars.Or(_regulars.Literal(number.ToString()), _regulars.Literal(value.GetRawText())));
                    break;
                default:
                    others.Add(value.ValueKind == JsonValueKind.Null ? json.Null : value.ValueKind == JsonValueKind.True ? json.True : json.False);
                    break;
            }
        return _regulars.Or([_regulars.AnyOf(strings.DistinctBy(Convert.ToHexString)), .. others]);
    }

    static string Unicode(JsonElement value, Schema schema)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw schema.Refused("enum", "holds a text that is not Unicode");
        }
    }

    void AddString(Schema schema, List<Regular> all)
    {
        var (min, max) = (schema.Count("minLength", 0), schema.Count("maxLength", long.MaxValue));
        if (min > max)
            all.Add(Regular.Nothing);
        else if (min > 0 || max < long.MaxValue)
            all.Add(json.Quoted(_regulars.Repeat(json.Character, (int)min, max == long.MaxValue ? Regular.Unbounded : (int)max)));
        if (schema.Get("pattern") is { } pattern)
            all.Add(json.Quoted(Keys(schema, "pattern", pattern.ValueKind == JsonValueKind.String ? pattern.GetString()! : throw schema.Refused("pattern", "is not a text"))));
        if (schema.Text("format") is { } format)
        {
            if (StringFormats.IsRefused(format))
                throw schema.Refused("format", $"is {format}, which cannot be honoured");
            if (StringFormats.Pattern(format) is { } text)
                all.Add(json.Quoted(Pattern.Compile(_regulars, text, json.Characters, isWhole: true)));
        }
    }

    /// <summary>The content of strings in which a pattern is found.</summary>
    Regular Keys(Schema schema, string keyword, string pattern)
    {
        try
        {
            return Pattern.Compile(_regulars, pattern, json.Characters);
        }
        catch (CriaException e)
        {
            throw schema.Refused(keyword, e.Message);
        }
    }

    void AddNumber(Schema schema, List<Regular> all, bool isEveryText)
    {
        if (schema.IsWhole)
            all.Add(isEveryText ? _regulars.Concat(json.Integer, _regulars.Optional(_regulars.Concat(_regulars.Literal("."), _regulars.Repeat(_regulars.Literal("0"), 1, Regular.Unbounded)))) : json.Integer);
        Bound("minimum", "exclusiveMinimum", NumberRange.AtLeast);
        Bound("maximum", "exclusiveMaximum", NumberRange.AtMost);
        if (schema.Number("multipleOf") is { } divisor)
        {
            if (divisor.IsZero || divisor.IsNegative || divisor.Digits > 1_000_000_000)
                throw schema.Refused("multipleOf", "must be greater than 0 and have at most nine digits");
            all.Add(_regulars.And(json.Decimal, _regulars.Concat(_regulars.Optional(_regulars.Literal("-")), _regulars.Multiple((long)divisor.Digits, divisor.Scale))));
        }

        void Bound(string keyword, string exclusive, Func<JsonText, DecimalNumber, bool, Regular> side)
        {
            var isExclusive = schema.Get(exclusive) is { ValueKind: JsonValueKind.True }; // draft 4
            if (schema.Number(keyword) is { } bound)
                all.Add(side(json, bound, isExclusive));
            if (schema.Get(exclusive) is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) })
                all.Add(side(json, schema.Number(exclusive)!.Value, true));
        }
    }

    List<CasePart[]> Of(Schema schema, bool isNegated, JsonTypes type)
    {
        if (schema.Always is { } always)
            return always != isNegated ? [[]] : [];
        if (_cases.TryGetValue((schema, type, isNegated), out var known))
            return known ?? throw schema.Refused("", "refers to itself without anything between");
        _cases[(schema, type, isNegated)] = null;
        return (_cases[(schema, type, isNegated)] = isNegated ? Negative() : Positive())!;

        List<CasePart[]> Yes(Schema sub) => Of(sub, false, type);
        List<CasePart[]> No(Schema sub) => Of(sub, true, type);
        List<CasePart[]> And(params IEnumerable<List<CasePart[]>> lists) => lists.Aggregate((List<CasePart[]>)[[]], (all, next) => Bounded(All(all, next)));
        List<CasePart[]> Or(params IEnumerable<List<CasePart[]>> lists) => Bounded(lists.SelectMany(l => l));
        List<CasePart[]> Bounded(IEnumerable<CasePart[]> cases)
        {
            var list = cases.Take(MostCases + 1).ToList();
            if (list.Count > 16)
                list.RemoveAll(IsEmpty);
            return list.Count <= MostCases ? list : throw schema.Refused("", $"has more than {MostCases} combinations of its alternatives");
        }

        List<CasePart[]> Positive()
        {
            if (schema.IsOnlyReference)
                return Yes(schema.Reference!);
            if ((schema.Types & type) == 0)
                return [];
            var all = new List<List<CasePart[]>> { new() { Own(schema, type) } };
            if (schema.Reference is { } target)
                all.Add(Yes(target));
            if (schema.Values is not null)
                all.Add(Or(Values(schema, type).Select(Yes)));
            if (type == JsonTypes.Object)
                foreach (var (name, required, then) in Dependencies(schema))
                    all.Add(Or([[Absent(schema, name)]], then is null ? [[new() { Required = [name, .. required] }]] : And([[new() { Required = [name] }]], Yes(then))));
            all.AddRange(schema.List("allOf").Select(Yes));
            if (schema.Has("anyOf"))
                all.Add(Or(schema.List("anyOf").Select(Yes)));
            if (schema.Has("oneOf"))
            {
                var options = schema.List("oneOf");
                all.Add(Or(options.Select((o, i) => Yes(o).Count == 0 ? [] : And(options.Where((_, j) => j != i).Select(other => AreApart(Own(schema, type), Yes(o), Yes(other)) ? [[]] : No(other)).Prepend(Yes(o))))));
            }
            if (schema.Sub("not") is { } not)
                all.Add(No(not));
            if (schema.Sub("if") is { } condition && (schema.Has("then") || schema.Has("else")))
                all.Add(Or(And(Yes(condition), schema.Sub("then") is { } then ? Yes(then) : [[]]), And(No(condition), schema.Sub("else") is { } otherwise ? Yes(otherwise) : [[]])));
            return And(all);
        }

        List<CasePart[]> Negative()
        {
            if (schema.IsOnlyReference)
                return No(schema.Reference!);
            if ((schema.Types & type) == 0)
                return [[]];
            var any = Own(schema, type).SelectMany(p => Violations(p, schema)).Select(p => (CasePart[])[p]).ToList() is var own ? new List<List<CasePart[]>> { own } : [];
            if (schema.Reference is { } target)
                any.Add(No(target));
            if (schema.Values is not null)
                any.Add(And(Values(schema, type).Select(No)));
            if (type == JsonTypes.Object)
                foreach (var (name, required, then) in Dependencies(schema))
                    any.Add(then is null ? [.. required.Select(r => (CasePart[])[new() { Required = [name] }, Absent(schema, r)])] : And([[new() { Required = [name] }]], No(then)));
            any.AddRange(schema.List("allOf").Select(No));
            if (schema.Has("anyOf"))
                any.Add(And(schema.List("anyOf").Select(No)));
            if (schema.Has("oneOf"))
            {
                var options = schema.List("oneOf");
                any.Add(And(options.Select(No)));
                any.AddRange(options.SelectMany((o, i) => options.Skip(i + 1).Select(other => And(Yes(o), Yes(other)))));
            }
            if (schema.Sub("not") is { } not)
                any.Add(Yes(not));
            if (schema.Sub("if") is { } condition)
            {
                if (schema.Sub("then") is { } then)
                    any.Add(And(Yes(condition), No(then)));
                if (schema.Sub("else") is { } otherwise)
                    any.Add(And(No(condition), No(otherwise)));
            }
            return Or(any);
        }
    }

    /// <summary>Whether a value cannot be in both, as seen at their required properties: one is forbidden, or has scalars only and none in common.</summary>
    bool AreApart(CasePart[] around, List<CasePart[]> left, List<CasePart[]> right) => left.All(l => right.All(r => IsEmpty([.. around, .. l, .. r])));

    /// <summary>Whether it is plain that no object is in a case.</summary>
    public bool IsEmpty(CasePart[] parts)
    {
        if (parts.Max(p => (long?)p.Min) > parts.Min(p => (long?)p.Max))
            return true;
        foreach (var name in parts.SelectMany(p => p.Required).Distinct())
        {
            var obligations = parts.SelectMany(p => ObjectRules.ValueOf(p, name, _regulars)).ToList();
            if (obligations.Any(o => o.Always == false) || !CanBe(obligations))
                return true;
        }
        return false;

        bool CanBe(List<Obligation> obligations)
        {
            foreach (var type in new[] { JsonTypes.Object, JsonTypes.Array })
                if (!obligations.Any(o => !o.IsNegated && Resolved(o.Schema) is { } s && ((s.Types & type) == 0 || s.Values is { } values && !values.Any(v => TypeOf(v) == type))))
                    return true;
            return new[] { JsonTypes.Null, JsonTypes.Boolean, JsonTypes.Number, JsonTypes.String }.Any(t => _regulars.IsAlive(_regulars.And(obligations.Select(o => Scalar(o, t)).ToList())));
        }

        static Schema Resolved(Schema schema)
        {
            for (var i = 0; i < 50 && schema.IsOnlyReference; i++)
                schema = schema.Reference!;
            return schema;
        }
    }

    CasePart[] Own(Schema schema, JsonTypes type) => type == JsonTypes.Object ? OwnObject(schema) : OwnArray(schema);

    CasePart[] OwnObject(Schema schema)
    {
        var (properties, patterns, additional) = (schema.Map("properties"), schema.Map("patternProperties"), schema.Sub("additionalProperties"));
        var required = schema.Names("required");
        var (min, max) = (schema.Count("minProperties", 0), schema.Count("maxProperties", long.MaxValue));
        var keys = schema.Sub("propertyNames") is { } names ? Scalar(names, JsonTypes.String, false) : null;
        return properties.Count + patterns.Count + required.Count == 0 && additional is null && keys is null && min == 0 && max == long.MaxValue ? [] : [new()
        {
            Properties = [.. properties.Select(p => (p.Name, new Obligation(p.Schema, false)))],
            Patterns = [.. patterns.Select(p => (json.Quoted(Keys(schema, "patternProperties", p.Name)), new Obligation(p.Schema, false)))],
            Additional = additional is null ? null : new(additional, false),
            Required = required,
            Keys = keys,
            Min = min,
            Max = max,
        }];
    }

    CasePart[] OwnArray(Schema schema)
    {
        var isTuple = schema.Get("items") is { ValueKind: JsonValueKind.Array };
        var prefix = isTuple ? schema.List("items") : schema.List("prefixItems");
        var items = isTuple ? schema.Sub("additionalItems") : schema.Sub("items");
        var parts = new List<CasePart>
        {
            new()
            {
                Prefix = [.. prefix.Select(p => new Obligation(p, false))],
                Items = items is null ? null : new(items, false),
                Min = schema.Count("minItems", 0),
                Max = schema.Count("maxItems", long.MaxValue),
                IsUnique = schema.Get("uniqueItems") is { ValueKind: JsonValueKind.True },
            },
        };
        if (schema.Sub("contains") is { } contains)
            parts.Add(new() { Contains = (0, new(contains, false), schema.Count("minContains", 1), schema.Count("maxContains", long.MaxValue)) });
        return [.. parts];
    }

    /// <summary>The ways to break a part, each a part.</summary>
    IEnumerable<CasePart> Violations(CasePart part, Schema schema)
    {
        foreach (var (name, value) in part.Properties)
            yield return new() { Required = [name], Properties = [(name, value.Negated)] };
        foreach (var (keys, value) in part.Patterns)
            yield return new() { Exists = (keys, value.Negated) };
        if (part.Additional is { } additional)
            yield return new() { Exists = (Others(part), additional.Negated) };
        foreach (var name in part.Required)
            yield return Absent(schema, name);
        if (part.Keys is { } all)
            yield return new() { Exists = (_regulars.And(json.String, _regulars.Not(all)), null) };
        for (var i = 0; i < part.Prefix.Count; i++)
            yield return new() { Min = i + 1, Prefix = [.. Enumerable.Repeat(new Obligation(schema.Made("true"), false), i), part.Prefix[i].Negated] };
        if (part.Items is { } items)
            yield return new() { Contains = (part.Prefix.Count, items.Negated, 1, long.MaxValue) };
        if (part.Contains is { } contains)
        {
            if (contains.Min > 0)
                yield return new() { Contains = contains with { Min = 0, Max = contains.Min - 1 } };
            if (contains.Max < long.MaxValue)
                yield return new() { Contains = contains with { Min = contains.Max + 1, Max = long.MaxValue } };
        }
        if (part.IsUnique)
            throw schema.Refused("uniqueItems", "cannot be honoured where it must not hold");
        if (part.Min > 0)
            yield return new() { Max = part.Min - 1 };
        if (part.Max < long.MaxValue)
            yield return new() { Min = part.Max + 1 };
    }

    /// <summary>The keys that a part's additional value is for.</summary>
    Regular Others(CasePart part) => _regulars.And([json.String, _regulars.Not(_regulars.AnyOf(part.Properties.Select(p => JsonText.Quote(p.Name)))), .. part.Patterns.Select(p => _regulars.Not(p.Keys))]);

    static CasePart Absent(Schema schema, string name) => new() { Properties = [(name, new(schema.Made("false"), false))] };

    static IEnumerable<(string Name, IReadOnlyList<string> Required, Schema? Then)> Dependencies(Schema schema)
    {
        foreach (var keyword in new[] { "dependencies", "dependentRequired", "dependentSchemas" })
            if (schema.Get(keyword) is { } map)
                foreach (var property in map.ValueKind == JsonValueKind.Object ? map.EnumerateObject() : throw schema.Refused(keyword, "is not an object"))
                    if (property.Value.ValueKind == JsonValueKind.Array)
                        yield return (property.Name, schema.Names(property.Value, keyword), null);
                    else
                        yield return (property.Name, [], schema.Map(keyword).First(m => m.Name == property.Name).Schema);
    }

    /// <summary>The objects or arrays of `enum` and `const` as schemas.</summary>
    IEnumerable<Schema> Values(Schema schema, JsonTypes type)
    {
        if (!_values.TryGetValue(schema, out var made))
            _values[schema] = made = [.. schema.Values!.Where(v => TypeOf(v) is JsonTypes.Object or JsonTypes.Array).Select(v => schema.Made(AsSchema(v).ToJsonString()))];
        return made.Where(m => (m.Types & type) != 0);
    }

    static JsonObject AsSchema(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var properties = new JsonObject();
                foreach (var property in value.EnumerateObject())
                    properties[property.Name] = AsSchema(property.Value);
                return new() { ["type"] = "object", ["properties"] = properties, ["required"] = new JsonArray([.. value.EnumerateObject().Select(p => (JsonNode)p.Name).DistinctBy(n => n.GetValue<string>())]), ["additionalProperties"] = false };
            case JsonValueKind.Array:
                var count = value.GetArrayLength();
                return new() { ["type"] = "array", ["items"] = new JsonArray([.. value.EnumerateArray().Select(AsSchema)]), ["minItems"] = count, ["maxItems"] = count };
            default:
                return new() { ["const"] = JsonNode.Parse(value.GetRawText()) };
        }
    }
}
