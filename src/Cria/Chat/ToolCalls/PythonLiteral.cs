using System.Collections;
using System.Globalization;
using System.Text.Json;

namespace Cria.Chat.ToolCalls;

/// <summary>Values of tool arguments and results as Python and the pythonic format print them.</summary>
static class PythonLiteral
{
    /// <summary>A value inside a pythonic call (llama-models, prompt_templates/system_prompts.py and tool_utils.py): strings in double quotes without escapes, dicts as `{k=v}`.</summary>
    public static string Write(object? value)
    {
        switch (value)
        {
            case null:
                return "None";
            case string s:
                return $"\"{s}\"";
            case bool b:
                return b ? "True" : "False";
            case JsonElement json:
                return json.ValueKind switch
                {
                    JsonValueKind.String => $"\"{json.GetString()}\"",
                    JsonValueKind.Number => Number(json.GetRawText()),
                    JsonValueKind.True => "True",
                    JsonValueKind.False => "False",
                    JsonValueKind.Array => $"[{string.Join(", ", json.EnumerateArray().Select(e => Write(e)))}]",
                    JsonValueKind.Object => $"{{{string.Join(", ", json.EnumerateObject().Select(p => $"{p.Name}={Write(p.Value)}"))}}}",
                    _ => "None",
                };
            case IDictionary<string, object?> map:
                return $"{{{string.Join(", ", map.Select(p => $"{p.Key}={Write(p.Value)}"))}}}";
            case IEnumerable list:
                return $"[{string.Join(", ", list.Cast<object?>().Select(Write))}]";
            case IFormattable number:
                return Number(number);
            default:
                return $"\"{value}\"";
        }
    }

    /// <summary>Whether Python's `iterable` test fails on the value: a number, a boolean or nothing.</summary>
    public static bool IsScalar(object? value) => value is not null and not string
        && (value is JsonElement { ValueKind: JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False }
            || value is bool or IFormattable);

    public static string Number(IFormattable number)
    {
        var text = number.ToString(null, CultureInfo.InvariantCulture);
        return Number(number is double or float && text.All(c => char.IsAsciiDigit(c) || c == '-') ? text + ".0" : text);
    }

    /// <summary>A JSON number as Python prints it after parsing: integers as they are, floats as the shortest text that reads back.</summary>
    public static string Number(string json)
    {
        if (json.AsSpan().IndexOfAny(".eE") < 0)
            return json == "-0" ? "0" : json;
        var value = double.Parse(json, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (!double.IsFinite(value))
            return value > 0 ? "inf" : "-inf";
        var sign = double.IsNegative(value) ? "-" : "";
        if (value == 0)
            return sign + "0.0";
        // The shortest digits d1 d2 d3 ... and the exponent of d1.
        var shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E');
        var exponent = shortest.Length > 1 ? int.Parse(shortest[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;
        var whole = shortest[0].Split('.');
        var all = string.Concat(whole);
        var mantissa = all.TrimStart('0');
        exponent += whole[0].Length - 1 - (all.Length - mantissa.Length);
        mantissa = mantissa.TrimEnd('0');
        if (exponent is < -4 or >= 16)
            return $"{sign}{mantissa[0]}{(mantissa.Length > 1 ? "." + mantissa[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{mantissa}";
        return mantissa.Length <= exponent + 1
            ? $"{sign}{mantissa.PadRight(exponent + 1, '0')}.0"
            : $"{sign}{mantissa[..(exponent + 1)]}.{mantissa[(exponent + 1)..]}";
    }
}
