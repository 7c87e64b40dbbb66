using System.Globalization;
using System.Numerics;
using Cria.Chat.ToolCalls;

namespace Cria.Chat.Templates;

/// <summary>Jinja's filters and tests, those that chat templates use.</summary>
static class JinjaFilters
{
    static readonly Dictionary<string, Func<object?, Arguments, object?>> All = new()
    {
        ["trim"] = (v, a) => JinjaMethods.Strip(JinjaValue.Text(v), a.Get(0, "chars") as string, start: true, end: true),
        ["length"] = (v, _) => (long)JinjaValue.Items(v).Count,
        ["count"] = (v, _) => (long)JinjaValue.Items(v).Count,
        ["tojson"] = ToJson,
        ["string"] = (v, _) => JinjaValue.Text(v),
        ["safe"] = (v, _) => v,
        ["upper"] = (v, _) => JinjaValue.Text(v).ToUpperInvariant(),
        ["lower"] = (v, _) => JinjaValue.Text(v).ToLowerInvariant(),
        ["title"] = (v, _) => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(JinjaValue.Text(v).ToLowerInvariant()),
        ["capitalize"] = (v, _) => JinjaMethods.Capital(JinjaValue.Text(v)),
        ["replace"] = (v, a) => JinjaMethods.Replace(JinjaValue.Text(v), a),
        ["indent"] = Indent,
        ["default"] = Default,
        ["d"] = Default,
        ["items"] = (v, _) => v is Undefined ? new List<object?>() : JinjaMethods.Pairs(v),
        ["dictsort"] = (v, _) => JinjaMethods.Pairs(v).OrderBy(p => ((List<object?>)p!)[0] as string, StringComparer.OrdinalIgnoreCase).ToList(),
        ["list"] = (v, _) => JinjaValue.Items(v).ToList(),
        ["first"] = (v, _) => JinjaValue.Items(v) is [var first, ..] ? first : new Undefined("first"),
        ["last"] = (v, _) => JinjaValue.Items(v) is [.., var last] ? last : new Undefined("last"),
        ["reverse"] = (v, _) => Enumerable.Reverse(JinjaValue.Items(v)).ToList() is var turned && v is string ? string.Concat(turned) : turned,
        ["sort"] = Sort,
        ["unique"] = (v, _) => JinjaValue.Items(v).Aggregate(new List<object?>(), (all, i) => all.Exists(o => JinjaValue.AreEqual(o, i)) ? all : [.. all, i]),
        ["sum"] = (v, a) => JinjaValue.Items(v).Aggregate(a.Get(1, "start", 0L), (sum, i) => JinjaValue.Calculate("+", sum, Of(i, a.Get(0, "attribute")))),
        ["min"] = (v, _) => JinjaValue.Items(v).Aggregate((x, y) => JinjaValue.Compare(x, y) <= 0 ? x : y),
        ["max"] = (v, _) => JinjaValue.Items(v).Aggregate((x, y) => JinjaValue.Compare(x, y) >= 0 ? x : y),
        ["join"] = (v, a) => string.Join(JinjaValue.Text(a.Get(0, "d", "")), JinjaValue.Items(v).Select(i => JinjaValue.Text(Of(i, a.Get(1, "attribute"))))),
        ["map"] = Map,
        ["select"] = (v, a) => JinjaValue.Items(v).FindAll(i => Passes(i, a, 0)),
        ["reject"] = (v, a) => JinjaValue.Items(v).FindAll(i => !Passes(i, a, 0)),
        ["selectattr"] = (v, a) => JinjaValue.Items(v).FindAll(i => Passes(Of(i, a.Get(0, "attribute")), a, 1)),
        ["rejectattr"] = (v, a) => JinjaValue.Items(v).FindAll(i => !Passes(Of(i, a.Get(0, "attribute")), a, 1)),
        ["int"] = (v, a) => JinjaValue.IsNumber(v) ? JinjaValue.Calculate("-", v is double d ? (object)(long)d : v, 0L) : long.TryParse(JinjaValue.Text(v), CultureInfo.InvariantCulture, out var n) ? n : a.Get(0, "default", 0L),
        ["float"] = (v, a) => JinjaValue.IsNumber(v) ? JinjaValue.Double(v) : double.TryParse(JinjaValue.Text(v), CultureInfo.InvariantCulture, out var d) ? d : a.Get(0, "default", 0.0),
        ["abs"] = (v, _) => JinjaValue.Compare(v, 0L) < 0 ? JinjaValue.Calculate("-", 0L, v) : v,
        ["round"] = (v, a) => Math.Round(JinjaValue.Double(v), Math.Clamp(JinjaValue.Int(a.Get(0, "precision", 0L)), 0, 15), MidpointRounding.ToEven),
    };

    static readonly Dictionary<string, Func<object?, Arguments, bool>> Tests = new()
    {
        ["defined"] = (v, _) => v is not Undefined,
        ["undefined"] = (v, _) => v is Undefined,
        ["none"] = (v, _) => v is null,
        ["string"] = (v, _) => v is string,
        ["boolean"] = (v, _) => v is bool,
        ["true"] = (v, _) => v is true,
        ["false"] = (v, _) => v is false,
        ["number"] = (v, _) => JinjaValue.IsNumber(v),
        ["integer"] = (v, _) => v is long or BigInteger,
        ["float"] = (v, _) => v is double,
        ["mapping"] = (v, _) => v is Dictionary<string, object?>,
        ["iterable"] = (v, _) => v is List<object?> or string or Dictionary<string, object?> or Undefined,
        ["sequence"] = (v, _) => v is List<object?> or string or Dictionary<string, object?> or Undefined,
        ["callable"] = (v, _) => v is Callable,
        ["lower"] = (v, _) => JinjaValue.Text(v) is var text && text == text.ToLowerInvariant(),
        ["upper"] = (v, _) => JinjaValue.Text(v) is var text && text == text.ToUpperInvariant(),
        ["even"] = (v, _) => JinjaValue.Whole(v).IsEven,
        ["odd"] = (v, _) => !JinjaValue.Whole(v).IsEven,
        ["divisibleby"] = (v, a) => JinjaValue.AreEqual(JinjaValue.Calculate("%", v, a.Get(0, "num")), 0L),
        ["in"] = (v, a) => JinjaValue.Contains(a.Get(0, "seq"), v),
    };

    static readonly Dictionary<string, string> Comparisons = new()
    {
        ["equalto"] = "==",
        ["eq"] = "==",
        ["=="] = "==",
        ["sameas"] = "==",
        ["ne"] = "!=",
        ["!="] = "!=",
        ["lt"] = "<",
        ["<"] = "<",
        ["le"] = "<=",
        ["<="] = "<=",
        ["gt"] = ">",
        [">"] = ">",
        ["ge"] = ">=",
        [">="] = ">=",
    };

    public static Func<object?, Arguments, object?>? Find(string name) => All.GetValueOrDefault(name);

    public static Func<object?, Arguments, bool>? FindTest(string name) =>
        Comparisons.TryGetValue(name, out var what) ? (v, a) => JinjaExpressions.Holds(what, v, a.Get(0, "other")) : Tests.GetValueOrDefault(name);

    /// <summary>As transformers sets it: nothing is escaped for HTML, and no other characters to ASCII.</summary>
    static string ToJson(object? value, Arguments arguments)
    {
        if (value is Undefined or Callable)
            throw new CriaException($"chat template: {JinjaValue.Kind(value)} as JSON");
        var indent = arguments.Get(0, "indent");
        return new PythonJson(indent is null ? null : Math.Clamp(JinjaValue.Int(indent), 0, 16), JinjaValue.IsTrue(arguments.Get(4, "ensure_ascii")), JinjaValue.IsTrue(arguments.Get(3, "sort_keys"))).ToText(value);
    }

    static object? Default(object? value, Arguments arguments) =>
        value is Undefined || JinjaValue.IsTrue(arguments.Get(1, "boolean")) && !JinjaValue.IsTrue(value) ? arguments.Get(0, "default_value", "") : value;

    static string Indent(object? value, Arguments arguments)
    {
        var margin = new string(' ', Math.Clamp(JinjaValue.Int(arguments.Get(0, "width", 4L)), 0, 64));
        var lines = JinjaValue.Text(value).Split('\n');
        return string.Join('\n', lines.Select((l, i) => i == 0 ? JinjaValue.IsTrue(arguments.Get(1, "first")) ? margin + l : l : l.Length > 0 || JinjaValue.IsTrue(arguments.Get(2, "blank")) ? margin + l : l));
    }

    static List<object?> Sort(object? value, Arguments arguments)
    {
        var caseMatters = JinjaValue.IsTrue(arguments.Get(1, "case_sensitive"));
        var sorted = JinjaValue.Items(value).OrderBy(i => Of(i, arguments.Get(2, "attribute")) is var key && key is string text && !caseMatters ? text.ToLowerInvariant() : key, Comparer<object?>.Create(JinjaValue.Compare)).ToList();
        if (JinjaValue.IsTrue(arguments.Get(0, "reverse")))
            sorted.Reverse();
        return sorted;
    }

    static List<object?> Map(object? value, Arguments arguments)
    {
        if (arguments.Named.TryGetValue("attribute", out var attribute))
            return JinjaValue.Items(value).ConvertAll(i => Of(i, attribute) is Undefined ? arguments.Named.GetValueOrDefault("default", new Undefined("attribute")) : Of(i, attribute));
        var name = JinjaValue.Text(arguments.Get(0, "filter"));
        var filter = Find(name) ?? throw new CriaException($"chat template: the filter {name} is not known");
        return JinjaValue.Items(value).ConvertAll(i => filter(i, new([.. arguments.Positional.Skip(1)], arguments.Named)));
    }

    static bool Passes(object? value, Arguments arguments, int place)
    {
        if (arguments.Positional.Count <= place)
            return JinjaValue.IsTrue(value);
        var name = JinjaValue.Text(arguments.Positional[place]);
        var test = FindTest(name) ?? throw new CriaException($"chat template: the test {name} is not known");
        return test(value, new([.. arguments.Positional.Skip(place + 1)], arguments.Named));
    }

    /// <summary>A value, or its attribute `a.b`.</summary>
    static object? Of(object? value, object? attribute) => attribute is not string path ? value
        : path.Split('.').Aggregate(value, (v, name) => v is Undefined or null ? new Undefined(name) : JinjaExpressions.Attribute(v, name));
}
