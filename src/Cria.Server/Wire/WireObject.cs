using System.Text.Json;

namespace Cria.Server.Wire;

/// <summary>An object inside a request, read by hand because its shape depends on its type. Errors name its fields.</summary>
readonly struct WireObject
{
    readonly JsonElement _json;
    readonly string _at;

    public WireObject(JsonElement json, string at)
    {
        (_json, _at) = (json, at);
        if (json.ValueKind != JsonValueKind.Object)
            throw ApiException.Invalid(at, $"{at} is not an object");
    }

    public string Path(string name) => $"{_at}.{name}";

    public bool Has(string name) => Get(name) is not null;

    public JsonElement? Get(string name) => _json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string? Text(string name) => Get(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString(),
        _ => throw ApiException.Invalid(Path(name), $"{Path(name)} is not a text"),
    };

    public string Required(string name) => Text(name) ?? throw ApiException.Invalid(Path(name), $"{Path(name)} is missing");

    /// <summary>The texts of a list of parts, of which there is no other kind.</summary>
    public static IEnumerable<string> Texts(JsonElement parts, string at)
    {
        var number = 0;
        foreach (var part in parts.EnumerateArray())
            yield return new WireObject(part, $"{at}[{number++}]").AnyText();
    }

    /// <summary>The text of a part, which is of no other kind.</summary>
    public string AnyText() => Text("type") is "text" or "input_text" or "output_text" or "refusal" ? Text("text") ?? Required("refusal")
        : throw ApiException.Unsupported(Path("type"), $"{Path("type")} is {OneLine.Quote(Text("type") ?? "missing")}; only text is read here");
}

/// <summary>The JSON Schema of a field that C# says nothing of.</summary>
[AttributeUsage(AttributeTargets.Property)]
sealed class WireSchemaAttribute(string schema) : Attribute
{
    public string Schema => schema;
}
