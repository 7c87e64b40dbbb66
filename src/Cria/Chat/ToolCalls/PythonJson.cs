using System.Collections;
using System.Text;
using System.Text.Json;

namespace Cria.Chat.ToolCalls;

/// <summary>JSON as Python's `json.dumps` writes it: ", " and ": " between items, key order kept.</summary>
/// <param name="Indent">Spaces by which each level is set in, on lines of its own; null = all on one line.</param>
/// <param name="Ascii">Whether other characters are escaped.</param>
/// <param name="SortKeys">Whether keys stand in ordinal order.</param>
/// <param name="Html">Whether `&lt; &gt; &amp; '` are escaped, as plain Jinja's `tojson` does.</param>
readonly record struct PythonJson(int? Indent = null, bool Ascii = false, bool SortKeys = false, bool Html = false)
{
    const int MaxDepth = 200;

    /// <summary>One line, nothing but control characters escaped: how the chat templates write arguments.</summary>
    public static string Write(object? value) => new PythonJson().ToText(value);

    /// <summary>A value as JSON: JSON elements, null, bool, strings, numbers, maps and lists of these.</summary>
    /// <exception cref="CriaException">The value is nested too deeply.</exception>
    public string ToText(object? value)
    {
        var text = new StringBuilder();
        Write(value, text, 0);
        return text.ToString();
    }

    void Write(object? value, StringBuilder text, int depth)
    {
        if (depth > MaxDepth)
            throw new CriaException($"a value is nested more than {MaxDepth} deep");
        switch (value)
        {
            case string s:
                Quote(s, text);
                break;
            case JsonElement { ValueKind: JsonValueKind.String } s:
                Quote(s.GetString()!, text);
                break;
            case JsonElement { ValueKind: JsonValueKind.Number } number:
                text.Append(PythonLiteral.Number(number.GetRawText()));
                break;
            case JsonElement { ValueKind: JsonValueKind.Array } array:
                List(array.EnumerateArray().Select(e => (object?)e), text, depth);
                break;
            case JsonElement { ValueKind: JsonValueKind.Object } map:
                Map(map.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, (object?)p.Value)), text, depth);
                break;
            case true or JsonElement { ValueKind: JsonValueKind.True }:
                text.Append("true");
                break;
            case false or JsonElement { ValueKind: JsonValueKind.False }:
                text.Append("false");
                break;
            case null or JsonElement:
                text.Append("null");
                break;
            case IEnumerable<KeyValuePair<string, object?>> map:
                Map(map, text, depth);
                break;
            case IEnumerable list:
                List(list.Cast<object?>(), text, depth);
                break;
            case IFormattable number:
                text.Append(PythonLiteral.Number(number));
                break;
            default:
                Quote(value.ToString() ?? "", text);
                break;
        }
    }

    void List(IEnumerable<object?> items, StringBuilder text, int depth)
    {
        text.Append('[');
        var count = 0;
        foreach (var item in items)
        {
            Separate(count++, text, depth + 1);
            Write(item, text, depth + 1);
        }
        Close(']', count, text, depth);
    }

    void Map(IEnumerable<KeyValuePair<string, object?>> items, StringBuilder text, int depth)
    {
        text.Append('{');
        var count = 0;
        foreach (var (key, item) in SortKeys ? items.OrderBy(i => i.Key, StringComparer.Ordinal) : items)
        {
            Separate(count++, text, depth + 1);
            Quote(key, text);
            text.Append(": ");
            Write(item, text, depth + 1);
        }
        Close('}', count, text, depth);
    }

    void Separate(int before, StringBuilder text, int depth)
    {
        if (before > 0)
            text.Append(Indent is null ? ", " : ",");
        NewLine(text, depth);
    }

    void Close(char bracket, int count, StringBuilder text, int depth)
    {
        if (count > 0)
            NewLine(text, depth);
        text.Append(bracket);
    }

    void NewLine(StringBuilder text, int depth)
    {
        if (Indent is { } width)
            text.Append('\n').Append(' ', width * depth);
    }

    void Quote(string s, StringBuilder text)
    {
        text.Append('"');
        foreach (var c in s)
        {
            switch (c)
            {
                case '"': text.Append("\\\""); break;
                case '\\': text.Append("\\\\"); break;
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case '\b': text.Append("\\b"); break;
                case '\f': text.Append("\\f"); break;
                default:
                    if (c < ' ' || Ascii && c > '~' || Html && c is '<' or '>' or '&' or '\'')
                        text.Append($"\\u{(int)c:x4}");
                    else
                        text.Append(c);
                    break;
            }
        }
        text.Append('"');
    }
}
