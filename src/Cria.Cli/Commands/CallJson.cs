using System.Collections;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Cria.Cli.Commands;

/// <summary>Tool calls in JSON.</summary>
static class CallJson
{
    /// <summary>`"calls":[{"name","arguments":{...}}]`.</summary>
    public static void WriteCalls(this Utf8JsonWriter json, IEnumerable<FunctionCallContent> calls)
    {
        json.WriteStartArray("calls");
        foreach (var call in calls)
        {
            json.WriteStartObject();
            json.WriteString("name", call.Name);
            json.WritePropertyName("arguments");
            json.WriteValue(call.Arguments ?? new Dictionary<string, object?>());
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>A value as <see cref="Chat.ToolCalls.PythonicCalls"/> parses it, or as JSON gave it.</summary>
    public static void WriteValue(this Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case IDictionary<string, object?> map:
                json.WriteStartObject();
                foreach (var (key, item) in map)
                {
                    json.WritePropertyName(key);
                    json.WriteValue(item);
                }
                json.WriteEndObject();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case JsonElement element:
                element.WriteTo(json);
                break;
            case IEnumerable list:
                json.WriteStartArray();
                foreach (var item in list)
                    json.WriteValue(item);
                json.WriteEndArray();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case long whole:
                json.WriteNumberValue(whole);
                break;
            case double real:
                json.WriteNumberValue(real);
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }
}
