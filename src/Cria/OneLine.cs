using System.Text.Json;

namespace Cria;

/// <summary>Shows foreign text inside the single line of an error.</summary>
static class OneLine
{
    const int MaxLength = 80;

    /// <summary>At most 80 characters, control characters replaced.</summary>
    public static string Cut(string text) => Clean(text.Length > MaxLength ? text[..MaxLength] + "..." : text);

    /// <summary>Control characters and line ends replaced.</summary>
    public static string Clean(string text) => string.Create(text.Length, text, (target, source) =>
    {
        for (var i = 0; i < target.Length; i++)
            target[i] = char.IsControl(source[i]) || source[i] is '\u2028' or '\u2029' ? '?' : source[i];
    });

    /// <summary>The same in quotes.</summary>
    public static string Quote(string text) => "\"" + Cut(text) + "\"";

    /// <summary>What is wrong with a JSON text. The framework's own message may repeat the text itself.</summary>
    public static string Show(Exception e) => e is JsonException { LineNumber: { } line, BytePositionInLine: { } at }
        ? $"not valid JSON at line {line + 1}, byte {at + 1}" : Cut(e.Message);
}
