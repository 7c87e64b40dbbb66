using System.Text.Json;

namespace Cria.Generation.Constraints;

/// <summary>The types of JSON, as flags.</summary>
[Flags]
enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Number = 4,
    String = 8,
    Array = 16,
    Object = 32,
    All = 63,
}

/// <summary>A schema or one within it: its keywords as they stand.</summary>
sealed class Schema
{
    static readonly string[] NotSupported = ["unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "extends", "disallow", "divisibleBy"];

    readonly Dictionary<string, JsonElement> _keywords = [];
    readonly SchemaDocument _document;

    public Schema(SchemaDocument document, JsonElement element, string pointer, string baseUri, int id)
    {
        (_document, Element, Pointer, BaseUri, Id) = (document, element, pointer, baseUri, id);
        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            Always = element.ValueKind == JsonValueKind.True;
            return;
        }
        if (element.ValueKind != JsonValueKind.Object)
            throw Refused("", "is neither an object nor a boolean");
        foreach (var property in element.EnumerateObject())
            _keywords[property.Name] = property.Value;
        if (_keywords.Count == 0)
            Always = true;
        foreach (var keyword in NotSupported)
            if (_keywords.ContainsKey(keyword))
                throw Refused(keyword, "is not supported");
        if ((Text("$id") ?? Text("id")) is { } own && !own.StartsWith('#'))
            BaseUri = SchemaDocument.Absolute(baseUri, own);
    }

    public int Id { get; }

    public JsonElement Element { get; }

    /// <summary>Where it stands in the document (RFC 6901).</summary>
    public string Pointer { get; }

    public string BaseUri { get; }

    /// <summary>Whether all values or none satisfy it, whatever they are.</summary>
    public bool? Always { get; }

    public bool Has(string keyword) => _keywords.ContainsKey(keyword);

    public JsonElement? Get(string keyword) => _keywords.TryGetValue(keyword, out var value) ? value : null;

    public string? Text(string keyword) => Get(keyword) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    /// <summary>The target of `$ref`.</summary>
    public Schema? Reference => Get("$ref") is not { } reference ? null
        : reference.ValueKind != JsonValueKind.String ? throw Refused("$ref", "is not a text") : _document.Resolve(this, reference.GetString()!);

    /// <summary>Whether `$ref` stands alone: until draft 7 its siblings say nothing.</summary>
    public bool IsOnlyReference => Has("$ref") && (_keywords.Count == 1 || _document.ReferenceStandsAlone);

    public JsonTypes Types { get => field != 0 ? field : field = ReadTypes(); private set; }

    /// <summary>Whether numbers must be whole.</summary>
    public bool IsWhole { get; private set; }

    public Schema? Sub(string keyword) => Get(keyword) is { } value ? _document.At(value, Pointer + "/" + keyword, BaseUri) : null;

    public IReadOnlyList<Schema> List(string keyword) => Get(keyword) is not { } list ? [] : list.ValueKind == JsonValueKind.Array
        ? [.. list.EnumerateArray().Select((e, i) => _document.At(e, $"{Pointer}/{keyword}/{i}", BaseUri))] : throw Refused(keyword, "is not an array");

    public IReadOnlyList<(string Name, Schema Schema)> Map(string keyword) => Get(keyword) is not { } map ? [] : map.ValueKind == JsonValueKind.Object
        ? [.. map.EnumerateObject().Select(p => (p.Name, _document.At(p.Value, $"{Pointer}/{keyword}/{SchemaDocument.Escape(p.Name)}", BaseUri)))] : throw Refused(keyword, "is not an object");

    public IReadOnlyList<string> Names(string keyword) => Get(keyword) is not { } list ? [] : Names(list, keyword);

    public IReadOnlyList<string> Names(JsonElement list, string keyword) => list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(e => e.ValueKind == JsonValueKind.String)
        ? [.. list.EnumerateArray().Select(e => e.GetString()!).Distinct()] : throw Refused(keyword, "is not an array of texts");

    /// <summary>A number that counts, or what stands for none.</summary>
    public long Count(string keyword, long absent)
    {
        if (Get(keyword) is not { } value)
            return absent;
        var number = Number(keyword)!.Value;
        return number.IsInteger && !number.IsNegative ? number.Digits > int.MaxValue - 1 ? absent == 0 ? throw Refused(keyword, "is too large") : absent : (long)number.Digits
            : throw Refused(keyword, $"is {value.GetRawText()}; it must be a whole number of 0 or more");
    }

    public DecimalNumber? Number(string keyword) => Get(keyword) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number ? DecimalNumber.Parse(value.GetRawText()) ?? throw Refused(keyword, "has too many digits") : throw Refused(keyword, "is not a number");

    /// <summary>The schemas of `enum` and `const` as values; null if there is neither.</summary>
    public IReadOnlyList<JsonElement>? Values
    {
        get
        {
            if (Get("enum") is not { } list)
                return Get("const") is { } one ? [one] : null;
            if (list.ValueKind != JsonValueKind.Array)
                throw Refused("enum", "is not an array");
            return [.. list.EnumerateArray()];
        }
    }

    public CriaException Refused(string keyword, string why) => new($"schema {(Pointer + (keyword.Length > 0 ? "/" + keyword : "") is { Length: > 0 } at ? at : "/")}: {(keyword.Length > 0 ? keyword + " " : "")}{why}");

    /// <summary>A schema made for a part of this one.</summary>
    public Schema Made(string json) => _document.Make(json, Pointer, BaseUri);

    JsonTypes ReadTypes()
    {
        if (Get("type") is not { } type)
            return JsonTypes.All;
        var (types, whole, any) = (JsonTypes.None, false, false);
        foreach (var name in type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().ToArray() : [type])
            switch (name.ValueKind == JsonValueKind.String ? name.GetString() : null)
            {
                case "null": types |= JsonTypes.Null; break;
                case "boolean": types |= JsonTypes.Boolean; break;
                case "integer": (types, whole) = (types | JsonTypes.Number, true); break;
                case "number": (types, any) = (types | JsonTypes.Number, true); break;
                case "string": types |= JsonTypes.String; break;
                case "array": types |= JsonTypes.Array; break;
                case "object": types |= JsonTypes.Object; break;
                default: throw Refused("type", $"is {name.GetRawText()}, which is no type");
            }
        IsWhole = whole && !any;
        return types == 0 ? throw Refused("type", "names no type") : types;
    }
}
