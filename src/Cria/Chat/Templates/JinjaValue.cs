using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Cria.Chat.ToolCalls;

namespace Cria.Chat.Templates;

/// <summary>A function, macro, filter or method.</summary>
delegate object? Callable(Arguments arguments);

/// <summary>What a call is given.</summary>
sealed record Arguments(List<object?> Positional, Dictionary<string, object?> Named)
{
    /// <summary>An argument by its place or name.</summary>
    public object? Get(int place, string name, object? fallback = null) =>
        place < Positional.Count ? Positional[place] : Named.TryGetValue(name, out var value) ? value : fallback;
}

/// <summary>What a name without a value is: nothing, and printed as nothing.</summary>
sealed class Undefined(string name)
{
    public string Name => name;
}

/// <summary>Jinja's `namespace`: attributes that inner scopes can set.</summary>
sealed class JinjaNamespace(Dictionary<string, object?> values)
{
    public Dictionary<string, object?> Values => values;
}

/// <summary>
/// Python's view of values: null is None; bool, long, BigInteger, double, string, lists and dictionaries with text keys.
/// </summary>
static class JinjaValue
{
    /// <summary>JSON and what else a message holds, as such values.</summary>
    public static object? From(object? value) => value switch
    {
        null or string or bool or long or double or BigInteger => value,
        int n => (long)n,
        JsonElement { ValueKind: JsonValueKind.Object } json => json.EnumerateObject().Aggregate(new Dictionary<string, object?>(), (map, p) =>
        {
            map[p.Name] = From(p.Value);
            return map;
        }),
        JsonElement { ValueKind: JsonValueKind.Array } json => json.EnumerateArray().Select(e => From(e)).ToList(),
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString(),
        JsonElement { ValueKind: JsonValueKind.Number } json => Number(json.GetRawText()),
        JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False } json => json.GetBoolean(),
        JsonElement => null,
        IEnumerable<KeyValuePair<string, object?>> map => map.ToDictionary(p => p.Key, p => From(p.Value)),
        IEnumerable list => list.Cast<object?>().Select(From).ToList(),
        IFormattable number => Number(number.ToString(null, CultureInfo.InvariantCulture)),
        _ => value.ToString(),
    };

    public static object Number(string text) => text.AsSpan().IndexOfAny(".eE") >= 0 ? double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : (object)BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined or false or 0L or 0.0 or "" => false,
        BigInteger n => !n.IsZero,
        ICollection list => list.Count > 0,
        _ => true,
    };

    public static bool IsNumber(object? value) => value is long or double or BigInteger or bool;

    /// <summary>Python's str.</summary>
    public static string Text(object? value) => value switch
    {
        string text => text,
        Undefined => "",
        _ => Repr(value),
    };

    static string Repr(object? value)
    {
        switch (value)
        {
            case null:
                return "None";
            case bool b:
                return b ? "True" : "False";
            case string s:
                return Quote(s);
            case Dictionary<string, object?> map:
                return $"{{{string.Join(", ", map.Select(p => $"{Quote(p.Key)}: {Repr(p.Value)}"))}}}";
            case List<object?> list:
                return $"[{string.Join(", ", list.Select(Repr))}]";
            case IFormattable number:
                return PythonLiteral.Number(number);
            default:
                throw new CriaException("chat template: a function is printed");
        }
    }

    static string Quote(string s)
    {
        var quote = s.Contains('\'') && !s.Contains('"') ? '"' : '\'';
        var text = new StringBuilder().Append(quote);
        foreach (var c in s)
            text.Append(c switch { '\\' => "\\\\", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", < ' ' or '\x7f' => $"\\x{(int)c:x2}", _ => c == quote ? $"\\{c}" : c.ToString() });
        return text.Append(quote).ToString();
    }

    public static bool AreEqual(object? a, object? b) => (a, b) switch
    {
        (null, null) or (Undefined, Undefined) => true,
        (string x, string y) => x == y,
        (List<object?> x, List<object?> y) => x.Count == y.Count && x.Zip(y).All(p => AreEqual(p.First, p.Second)),
        (Dictionary<string, object?> x, Dictionary<string, object?> y) => x.Count == y.Count && x.All(p => y.TryGetValue(p.Key, out var other) && AreEqual(p.Value, other)),
        _ when IsNumber(a) && IsNumber(b) => Compare(a, b) == 0,
        _ => ReferenceEquals(a, b),
    };

    public static int Compare(object? a, object? b) => (a, b) switch
    {
        (string x, string y) => string.CompareOrdinal(x, y),
        _ when IsNumber(a) && IsNumber(b) => a is double || b is double ? Double(a).CompareTo(Double(b)) : Whole(a).CompareTo(Whole(b)),
        _ => throw new CriaException("chat template: values of different kinds are compared"),
    };

    public static double Double(object? value) => value switch
    {
        double d => d,
        bool b => b ? 1 : 0,
        long n => n,
        BigInteger n => (double)n,
        _ => throw new CriaException("chat template: a number is missing"),
    };

    public static BigInteger Whole(object? value) => value switch
    {
        long n => n,
        bool b => b ? 1 : 0,
        BigInteger n => n,
        _ => throw new CriaException("chat template: a whole number is missing"),
    };

    public static int Int(object? value) => Whole(value) is var n && n >= int.MinValue && n <= int.MaxValue ? (int)n : throw new CriaException("chat template: a number is too large");

    static object Fit(BigInteger n) => n >= long.MinValue && n <= long.MaxValue ? (object)(long)n : n;

    public static object? Calculate(string what, object? a, object? b)
    {
        switch (what, a, b)
        {
            case ("+", string x, string y):
                return x + y;
            case ("+", List<object?> x, List<object?> y):
                return (List<object?>)[.. x, .. y];
            case ("*", string x, long n):
                return n * x.Length > JinjaRun.MostCharacters ? throw new CriaException("chat template: a text is too long") : string.Concat(Enumerable.Repeat(x, (int)Math.Max(0, n)));
        }
        if (!IsNumber(a) || !IsNumber(b))
            throw new CriaException($"chat template: {what} of {Kind(a)} and {Kind(b)}");
        if (what == "/" || a is double || b is double)
        {
            var (x, y) = (Double(a), Double(b));
            if (y == 0 && what is "/" or "//" or "%" && y == 0)
                throw new CriaException("chat template: division by zero");
            return what switch { "+" => x + y, "-" => x - y, "*" => x * y, "/" => x / y, "//" => Math.Floor(x / y), "%" => x - y * Math.Floor(x / y), _ => Math.Pow(x, y) };
        }
        var (m, n2) = (Whole(a), Whole(b));
        switch (what)
        {
            case "+":
                return Fit(m + n2);
            case "-":
                return Fit(m - n2);
            case "*":
                return m.GetBitLength() + n2.GetBitLength() > 1 << 16 ? throw new CriaException("chat template: a number is too large") : Fit(m * n2);
            case "**":
                return n2 < 0 ? Math.Pow(Double(a), Double(b)) : n2 > 1000 || m.GetBitLength() > 64 ? throw new CriaException("chat template: a number is too large") : Fit(BigInteger.Pow(m, (int)n2));
        }
        if (n2.IsZero)
            throw new CriaException("chat template: division by zero");
        var quotient = BigInteger.DivRem(m, n2, out var rest);
        if (!rest.IsZero && rest.Sign != n2.Sign) // Python rounds down
            (quotient, rest) = (quotient - 1, rest + n2);
        return Fit(what == "//" ? quotient : rest);
    }

    public static string Kind(object? value) => value switch
    {
        null => "none",
        Undefined u => $"{u.Name}, which is not defined",
        string => "a text",
        bool => "a truth value",
        List<object?> => "a list",
        Dictionary<string, object?> or JinjaNamespace => "a map",
        Callable => "a function",
        _ => "a number",
    };

    /// <summary>The items of a list, the keys of a map, the characters of a text.</summary>
    public static List<object?> Items(object? value) => value switch
    {
        List<object?> list => list,
        Dictionary<string, object?> map => [.. map.Keys],
        string text => [.. text.EnumerateRunes().Select(r => (object?)r.ToString())],
        Undefined => [],
        _ => throw new CriaException($"chat template: {Kind(value)} is not a list"),
    };

    public static bool Contains(object? container, object? item) => container switch
    {
        string text => item is string part ? text.Contains(part, StringComparison.Ordinal) : throw new CriaException($"chat template: {Kind(item)} in a text"),
        Dictionary<string, object?> map => item is string key && map.ContainsKey(key),
        _ => Items(container).Exists(i => AreEqual(i, item)),
    };

    /// <summary>`value[key]`, and `value.key` for what is no method; what is not there is undefined.</summary>
    public static object? Item(object? value, object? key)
    {
        switch (value, key)
        {
            case (Dictionary<string, object?> map, string name):
                return map.TryGetValue(name, out var found) ? found : new Undefined(name);
            case (JinjaNamespace space, string name):
                return space.Values.TryGetValue(name, out var member) ? member : new Undefined(name);
            case (List<object?> or string, long or bool):
                var items = Items(value);
                var at = Int(key);
                at = at < 0 ? at + items.Count : at;
                return at >= 0 && at < items.Count ? items[at] : new Undefined($"item {key}");
            case (Undefined or null, _):
                throw new CriaException($"chat template: {Kind(value)} has no {Text(key)}");
            default:
                return new Undefined(Text(key));
        }
    }

    /// <summary>`value[from:to:step]`.</summary>
    public static object Slice(object? value, object? from, object? to, object? step)
    {
        var items = Items(value);
        var by = step is null ? 1 : Int(step);
        if (by == 0)
            throw new CriaException("chat template: a slice has the step 0");
        var start = Place(from, by > 0 ? 0 : items.Count - 1);
        var end = to is null ? by > 0 ? items.Count : -1 : Place(to, 0);
        var slice = new List<object?>();
        for (var i = start; by > 0 ? i < end : i > end; i += by)
            slice.Add(items[i]);
        return value is string ? string.Concat(slice) : slice;

        int Place(object? place, int fallback)
        {
            if (place is null)
                return fallback;
            var at = Int(place);
            at = at < 0 ? at + items.Count : at;
            return by > 0 ? Math.Clamp(at, 0, items.Count) : Math.Clamp(at, -1, items.Count - 1);
        }
    }
}
