using System.Globalization;
using System.Text;
using System.Text.Json;
using Cria.Generation.Constraints;

namespace Cria.Chat.ToolCalls;

/// <summary>JSON values as plain objects: null, bool, string, numbers, lists and dictionaries in the order of the text.</summary>
static class JsonValues
{
    /// <summary>The JSON object that a text begins with, and how many characters it takes; null if it begins with none.</summary>
    public static JsonElement? ReadObject(ReadOnlySpan<char> text, out int length)
    {
        length = 0;
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var reader = new Utf8JsonReader(bytes.AsSpan(0, Encoding.UTF8.GetBytes(text, bytes)));
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;
            var json = JsonElement.ParseValue(ref reader);
            length = Encoding.UTF8.GetCharCount(bytes.AsSpan(0, (int)reader.BytesConsumed));
            return json;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Of equal keys the last value counts, at the first one's place, as in Python.</summary>
    public static Dictionary<string, object?> ToMap(JsonElement json)
    {
        var map = new Dictionary<string, object?>();
        foreach (var property in json.EnumerateObject())
            map[property.Name] = ToObject(property.Value);
        return map;
    }

    /// <summary>A number as long or double, or as JSON if it is neither without a change of its digits.</summary>
    public static object Number(JsonElement json)
    {
        if (json.TryGetInt64(out var whole))
            return whole;
        var (written, real) = (json.GetRawText(), json.GetDouble());
        return double.IsFinite(real) && DecimalNumber.Parse(written) is { } exact && exact == DecimalNumber.Parse(real.ToString("R", CultureInfo.InvariantCulture)) ? real : json.Clone();
    }

    public static object? ToObject(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => Number(json),
        JsonValueKind.Array => json.EnumerateArray().Select(ToObject).ToList(),
        JsonValueKind.Object => ToMap(json),
        _ => null,
    };
}
