using System.Text.Json;

namespace Cria.Formats;

/// <summary>An object of a JSON file. Every getter gives null for a key that is missing or null, and an error that names file and key for a wrong value.</summary>
readonly struct JsonSection(string file, string prefix, JsonElement element)
{
    public CriaException Error(string key, string problem) => new($"{file}: {prefix}{key} {problem}");

    public bool Has(string key) => element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null;

    public JsonSection? Section(string key) => Get(key, JsonValueKind.Object, "an object") is { } value
        ? new JsonSection(file, prefix + key + ".", value) : null;

    public string? Text(string key) => Get(key, JsonValueKind.String, "a string")?.GetString();

    public bool? Flag(string key) => !Has(key) ? null : element.GetProperty(key).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        var kind => throw Error(key, $"is {Show(kind)}, not true or false"),
    };

    public int? Integer(string key, int min, int max) =>
        Get(key, JsonValueKind.Number, "an integer") is { } value ? Integer(key, value, min, max) : null;

    /// <summary>A finite number; `exclusiveMin` itself is refused.</summary>
    public float? Number(string key, double exclusiveMin = double.NegativeInfinity)
    {
        if (Get(key, JsonValueKind.Number, "a number") is not { } value)
            return null;
        var number = (float)value.GetDouble();
        return !float.IsFinite(number) ? throw Error(key, "is not a finite number")
            : number > exclusiveMin ? number
            : throw Error(key, $"is {Show(value)}, it must be greater than {exclusiveMin}");
    }

    /// <summary>A finite number as it stands in the file.</summary>
    public double? Double(string key) => Get(key, JsonValueKind.Number, "a number") is not { } value ? null
        : double.IsFinite(value.GetDouble()) ? value.GetDouble() : throw Error(key, "is not a finite number");

    /// <summary>One integer or a list of them; empty if absent.</summary>
    public IReadOnlyList<int> Integers(string key, int min, int max)
    {
        var self = this;
        return !Has(key) ? []
            : element.GetProperty(key) is { ValueKind: JsonValueKind.Array } list
                ? [.. list.EnumerateArray().Select(item => self.Integer(key, item, min, max))]
                : [Integer(key, element.GetProperty(key), min, max)];
    }

    /// <summary>A list of pairs of integers, or null if absent.</summary>
    public IReadOnlyList<(int, int)>? IntegerPairs(string key)
    {
        var self = this;
        return Get(key, JsonValueKind.Array, "a list") is { } list
            ? [.. list.EnumerateArray().Select(pair => pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2
                ? (self.Integer(key, pair[0], 0, int.MaxValue), self.Integer(key, pair[1], 0, int.MaxValue)) : throw self.Error(key, "holds something that is no pair of integers"))]
            : null;
    }

    /// <summary>A list of strings, or null if absent.</summary>
    public IReadOnlyList<string>? Texts(string key)
    {
        var self = this;
        return Get(key, JsonValueKind.Array, "a list") is { } list
            ? [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()!
                : throw self.Error(key, "holds something that is no string"))]
            : null;
    }

    /// <summary>Keys and strings of an object of strings, or null if absent.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? TextMap(string key)
    {
        var self = this;
        return Get(key, JsonValueKind.Object, "an object") is { } map
            ? [.. map.EnumerateObject().Select(p => p.Value.ValueKind == JsonValueKind.String ? KeyValuePair.Create(p.Name, p.Value.GetString()!)
                : throw self.Error(key, $"gives {OneLine.Quote(p.Name)} no string"))]
            : null;
    }

    /// <summary>Keys and finite numbers of an object of numbers; empty if absent.</summary>
    public List<KeyValuePair<string, float>> NumberMap(string key) => Section(key) is { } map
        ? [.. element.GetProperty(key).EnumerateObject().Select(p => KeyValuePair.Create(p.Name, map.Number(p.Name) ?? throw map.Error(p.Name, "is missing")))]
        : [];

    /// <summary>A string, or what a list of {name, template} gives for the name `default`.</summary>
    public string? TextOrNamed(string key, string nameKey, string name, string valueKey)
    {
        return !Has(key) || element.GetProperty(key).ValueKind != JsonValueKind.Array ? Text(key) : NamedText(key, nameKey, name, valueKey);
    }

    /// <summary>The text of the object in a list that has a name; null if there is no such list or object.</summary>
    public string? NamedText(string key, string nameKey, string name, string valueKey)
    {
        if (!Has(key) || element.GetProperty(key) is not { ValueKind: JsonValueKind.Array } list)
            return null;
        foreach (var item in list.EnumerateArray())
            if (item.ValueKind == JsonValueKind.Object && new JsonSection(file, prefix + key + ".", item) is var entry && entry.Text(nameKey) == name)
                return entry.Text(valueKey);
        return null;
    }

    int Integer(string key, JsonElement value, int min, int max) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= min && number <= max ? number
            : throw Error(key, $"is {Show(value)}, not an integer from {min} to {max}");

    JsonElement? Get(string key, JsonValueKind kind, string what) =>
        !Has(key) ? null
        : element.GetProperty(key) is var value && value.ValueKind == kind ? value
        : throw Error(key, $"is {Show(value)}, not {what}");

    static string Show(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => OneLine.Cut(value.GetRawText()),
        JsonValueKind.String => OneLine.Quote(value.GetString()!),
        var kind => Show(kind),
    };

    static string Show(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        _ => kind.ToString().ToLowerInvariant(),
    };
}
