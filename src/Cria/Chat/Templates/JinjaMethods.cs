using System.Globalization;

namespace Cria.Chat.Templates;

/// <summary>Methods of Python's texts, maps and lists that change nothing.</summary>
static class JinjaMethods
{
    /// <summary>A method of a value; null if it has none of that name.</summary>
    public static Callable? Find(object? value, string name) => value switch
    {
        string text => OfText(text, name),
        Dictionary<string, object?> map => OfMap(map, name),
        List<object?> list => OfList(list, name),
        _ => null,
    };

    static Callable? OfText(string text, string name) => name switch
    {
        "strip" => a => Strip(text, a.Get(0, "chars") as string, start: true, end: true),
        "lstrip" => a => Strip(text, a.Get(0, "chars") as string, start: true, end: false),
        "rstrip" => a => Strip(text, a.Get(0, "chars") as string, start: false, end: true),
        "upper" => _ => text.ToUpperInvariant(),
        "lower" => _ => text.ToLowerInvariant(),
        "title" => _ => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(text.ToLowerInvariant()),
        "capitalize" => _ => Capital(text),
        "startswith" => a => Parts(a).Exists(p => text.StartsWith(p, StringComparison.Ordinal)),
        "endswith" => a => Parts(a).Exists(p => text.EndsWith(p, StringComparison.Ordinal)),
        "replace" => a => Replace(text, a),
        "split" => a => Split(text, a.Get(0, "sep") as string, JinjaValue.Int(a.Get(1, "maxsplit", -1L))),
        "rsplit" => a => SplitBack(text, a.Get(0, "sep") as string, JinjaValue.Int(a.Get(1, "maxsplit", -1L))),
        "splitlines" => _ => text.Length == 0 ? new List<object?>() : Split(text.ReplaceLineEndings("\n") is var lines && lines.EndsWith('\n') ? lines[..^1] : lines, "\n", -1),
        "join" => a => string.Join(text, JinjaValue.Items(a.Get(0, "iterable")).Select(JinjaValue.Text)),
        "find" => a => (long)text.IndexOf(JinjaValue.Text(a.Get(0, "sub")), StringComparison.Ordinal),
        "rfind" => a => (long)text.LastIndexOf(JinjaValue.Text(a.Get(0, "sub")), StringComparison.Ordinal),
        "count" => a => (long)(text.Split(JinjaValue.Text(a.Get(0, "sub"))).Length - 1),
        "isdigit" => _ => text.Length > 0 && text.All(char.IsDigit),
        "isspace" => _ => text.Length > 0 && text.All(char.IsWhiteSpace),
        "removeprefix" => a => JinjaValue.Text(a.Get(0, "prefix")) is var p && text.StartsWith(p, StringComparison.Ordinal) ? text[p.Length..] : text,
        "removesuffix" => a => JinjaValue.Text(a.Get(0, "suffix")) is var p && text.EndsWith(p, StringComparison.Ordinal) ? text[..^p.Length] : text,
        _ => null,
    };

    static Callable? OfMap(Dictionary<string, object?> map, string name) => name switch
    {
        "items" => _ => Pairs(map),
        "keys" => _ => JinjaValue.Items(map),
        "values" => _ => map.Values.ToList(),
        "get" => a => map.TryGetValue(JinjaValue.Text(a.Get(0, "key")), out var value) ? value : a.Get(1, "default"),
        "copy" => _ => new Dictionary<string, object?>(map),
        _ => null,
    };

    static Callable? OfList(List<object?> list, string name) => name switch
    {
        "count" => a => (long)list.Count(i => JinjaValue.AreEqual(i, a.Get(0, "value"))),
        "index" => a => list.FindIndex(i => JinjaValue.AreEqual(i, a.Get(0, "value"))) is >= 0 and var at ? (long)at : throw new CriaException("chat template: the list does not hold that"),
        _ => null,
    };

    /// <summary>The keys and values of a map, two and two.</summary>
    public static List<object?> Pairs(object? value) => value is Dictionary<string, object?> map ? [.. map.Select(p => (object?)new List<object?> { p.Key, p.Value })]
        : throw new CriaException($"chat template: items of {JinjaValue.Kind(value)}");

    public static string Capital(string text) => text.Length == 0 ? text : text[..1].ToUpperInvariant() + text[1..].ToLowerInvariant();

    public static string Replace(string text, Arguments arguments)
    {
        var (old, other) = (JinjaValue.Text(arguments.Get(0, "old")), JinjaValue.Text(arguments.Get(1, "new")));
        var replaced = old.Length == 0 ? text : text.Replace(old, other, StringComparison.Ordinal);
        return replaced.Length <= JinjaRun.MostCharacters ? replaced : throw new CriaException("chat template: a text is too long");
    }

    /// <summary>Takes characters off, by default white space as Python has it: also U+001C to U+001F.</summary>
    public static string Strip(string text, string? characters, bool start, bool end)
    {
        var (from, to) = (0, text.Length);
        while (start && from < to && Belongs(text[from]))
            from++;
        while (end && to > from && Belongs(text[to - 1]))
            to--;
        return text[from..to];

        bool Belongs(char c) => characters?.Contains(c) ?? (char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F');
    }

    static List<string> Parts(Arguments arguments) => arguments.Get(0, "prefix") is List<object?> list ? list.ConvertAll(JinjaValue.Text) : [JinjaValue.Text(arguments.Get(0, "prefix"))];

    static List<object?> Split(string text, string? separator, int most)
    {
        if (separator is null)
            return [.. text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];
        if (separator.Length == 0)
            throw new CriaException("chat template: split by nothing");
        return [.. most < 0 ? text.Split(separator) : text.Split(separator, most + 1)];
    }

    static List<object?> SplitBack(string text, string? separator, int most)
    {
        var parts = Split(text, separator, -1);
        if (most < 0 || parts.Count <= most + 1)
            return parts;
        return [string.Join(separator, parts[..^most]), .. parts[^most..]];
    }
}
