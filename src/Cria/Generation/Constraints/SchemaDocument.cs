using System.Text.Json;

namespace Cria.Generation.Constraints;

/// <summary>A JSON Schema document, and the schemas within it by place, identifier and anchor. References must stay inside it.</summary>
sealed class SchemaDocument
{
    const int MostNesting = 256;

    readonly Dictionary<string, Schema> _byPointer = [];
    readonly Dictionary<string, (JsonElement Element, string Pointer, string BaseUri)> _byUri = [];
    readonly JsonElement _root;
    int _count;
    bool _isIndexed;

    public SchemaDocument(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new() { MaxDepth = MostNesting });
            _root = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new CriaException($"the schema is not JSON: {e.Message}");
        }
        Root = At(_root, "", "");
        ReferenceStandsAlone = Root.Text("$schema") is { } dialect && (dialect.Contains("draft-0", StringComparison.Ordinal) || dialect.EndsWith("/schema#", StringComparison.Ordinal));
    }

    public Schema Root { get; }

    public bool ReferenceStandsAlone { get; }

    public Schema At(JsonElement element, string pointer, string baseUri)
    {
        if (!_byPointer.TryGetValue(pointer, out var schema))
            _byPointer[pointer] = schema = new(this, element, pointer, baseUri, _count++);
        return schema;
    }

    public Schema Make(string json, string pointer, string baseUri)
    {
        using var document = JsonDocument.Parse(json, new() { MaxDepth = MostNesting });
        return new(this, document.RootElement.Clone(), $"{pointer}/({_count})", baseUri, _count++);
    }

    public Schema Resolve(Schema from, string reference)
    {
        if (reference.StartsWith("#/", StringComparison.Ordinal) && from.BaseUri == Root.BaseUri || reference == "#" && from.BaseUri == Root.BaseUri)
            return Within(_root, "", Root.BaseUri, reference.Length == 1 ? "" : reference[1..], from, reference);
        Index();
        var uri = Absolute(from.BaseUri, reference);
        if (_byUri.TryGetValue(uri.TrimEnd('#'), out var found))
            return At(found.Element, found.Pointer, found.BaseUri);
        var hash = uri.IndexOf('#', StringComparison.Ordinal);
        if (hash >= 0 && _byUri.TryGetValue(uri[..hash], out found))
            return Within(found.Element, found.Pointer, found.BaseUri, uri[(hash + 1)..], from, reference);
        throw from.Refused("$ref", $"is {reference}, which is not in this document");
    }

    public static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    public static string Absolute(string baseUri, string reference)
    {
        if (baseUri.Length == 0 || Uri.TryCreate(reference, UriKind.Absolute, out _) && !reference.StartsWith('/'))
            return reference;
        if (reference.StartsWith('#'))
            return baseUri.Split('#')[0] + reference;
        return Uri.TryCreate(baseUri, UriKind.Absolute, out var root) && Uri.TryCreate(root, reference, out var joined) ? joined.OriginalString is { Length: > 0 } ? joined.ToString() : reference : reference;
    }

    Schema Within(JsonElement element, string pointer, string baseUri, string path, Schema from, string reference)
    {
        if (path.Length > 0 && path[0] != '/')
            throw from.Refused("$ref", $"is {reference}, which is not in this document");
        foreach (var part in path.Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var next))
                element = next;
            else if (element.ValueKind == JsonValueKind.Array && int.TryParse(name, out var index) && index >= 0 && index < element.GetArrayLength())
                element = element[index];
            else
                throw from.Refused("$ref", $"is {reference}, which is not in this document");
            pointer += "/" + Escape(name);
        }
        return At(element, pointer, baseUri);
    }

    /// <summary>Finds the identifiers and anchors once a reference needs them.</summary>
    void Index()
    {
        if (_isIndexed)
            return;
        _isIndexed = true;
        Visit(_root, "", "");

        void Visit(JsonElement element, string pointer, string baseUri)
        {
            if (element.ValueKind == JsonValueKind.Object)
            {
                foreach (var key in new[] { "$id", "id" })
                    if (element.TryGetProperty(key, out var id) && id.ValueKind == JsonValueKind.String)
                    {
                        var uri = Absolute(baseUri, id.GetString()!);
                        if (!id.GetString()!.StartsWith('#'))
                            baseUri = uri.TrimEnd('#');
                        _byUri.TryAdd(uri.TrimEnd('#'), (element, pointer, baseUri));
                    }
                if (element.TryGetProperty("$anchor", out var anchor) && anchor.ValueKind == JsonValueKind.String)
                    _byUri.TryAdd(baseUri + "#" + anchor.GetString(), (element, pointer, baseUri));
                foreach (var property in element.EnumerateObject())
                    if (property.Name is not ("enum" or "const" or "default" or "examples"))
                        Visit(property.Value, pointer + "/" + Escape(property.Name), baseUri);
            }
            else if (element.ValueKind == JsonValueKind.Array)
                foreach (var (i, item) in element.EnumerateArray().Index())
                    Visit(item, $"{pointer}/{i}", baseUri);
        }
    }
}
