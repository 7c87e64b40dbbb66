using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Cria.Cli.Commands;

/// <summary>How every command writes JSON, and how the batch verbs answer one line per line.</summary>
static class Output
{
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One JSON object on one line of standard output.</summary>
    public static void Json(Action<Utf8JsonWriter> properties) => Console.Out.Write(ToJson(properties) + "\n");

    public static string ToJson(Action<Utf8JsonWriter> properties)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            properties(writer);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>A text on one line, in quotes.</summary>
    public static string Quote(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";

    public static void WriteNumbers(this Utf8JsonWriter json, string name, IEnumerable<int> numbers)
    {
        json.WriteStartArray(name);
        foreach (var n in numbers)
            json.WriteNumberValue(n);
        json.WriteEndArray();
    }

    /// <summary>Answers each line of a JSONL file with one line; a line that fails answers `{"error":...}` and the rest goes on.</summary>
    public static void Batch(string file, Action<JsonElement, Utf8JsonWriter> answer)
    {
        var output = new StringBuilder(); // Console.Out flushes with every write
        using var input = new StreamReader(file, new UTF8Encoding(false), detectEncodingFromByteOrderMarks: false);
        while (input.ReadLine() is { } line)
        {
            try
            {
                using var document = JsonDocument.Parse(line);
                if (document.RootElement.ValueKind != JsonValueKind.Object)
                    throw new CriaException("the line is not a JSON object");
                output.Append(ToJson(json => answer(document.RootElement, json))).Append('\n');
            }
            catch (Exception e) when (e is CriaException or JsonException or InvalidOperationException or FormatException or IOException or UnauthorizedAccessException)
            {
                output.Append(ToJson(json => json.WriteString("error", e.Message.ReplaceLineEndings(" ")))).Append('\n');
            }
            if (output.Length > 1 << 16)
            {
                Console.Out.Write(output);
                output.Clear();
            }
        }
        Console.Out.Write(output);
    }
}
