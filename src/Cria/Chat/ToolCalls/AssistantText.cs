using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>What an assistant's text says: content, or calls and then no content.</summary>
public sealed record AssistantText(string Content, IReadOnlyList<FunctionCallContent> Calls)
{
    const string Header = "<|start_header_id|>assistant<|end_header_id|>\n\n", PythonTag = "<|python_tag|>";

    /// <summary>
    /// Reads generated text, possibly with a header, `&lt;|python_tag|>` and an end token as literals (llama-models,
    /// `decode_assistant_message_from_content`; spec section 6.5): all calls of a text that is one list of pythonic calls or JSON calls, or has
    /// function tags in it; else a built-in tool's call; else, behind the python tag, code to run. Every other text is content.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="format">The only custom syntax to read; null = all.</param>
    public static AssistantText Parse(string text, ToolFormat? format = null) => Parse(text, format, []);

    /// <summary>As above; calls of the tools that are defined otherwise keep their arguments, even if they have a built-in tool's name.</summary>
    internal static AssistantText Parse(string text, ToolFormat? format, IReadOnlyCollection<string> defined)
    {
        text = text.Trim(' ');
        if (text.StartsWith(Header, StringComparison.Ordinal))
            text = text[Header.Length..];
        var isPython = text.StartsWith(PythonTag, StringComparison.Ordinal);
        if (isPython)
            text = text[PythonTag.Length..];
        foreach (var end in new[] { "<|eot_id|>", "<|eom_id|>" })
        {
            if (!text.EndsWith(end, StringComparison.Ordinal))
                continue;
            text = text[..^end.Length];
            break;
        }
        var calls = Read(ToolFormat.Pythonic, PythonicCalls.Parse) ?? Read(ToolFormat.Json, JsonCalls.Parse) ?? Read(ToolFormat.FunctionTag, FunctionTags.Parse);
        if (calls is not null)
            return new("", [.. calls.Select(c => defined.Contains(c.Name) ? c : BuiltinCall.Normalise(c))]);
        return BuiltinCall.Parse(text) is { } builtin ? new("", [builtin])
            : isPython ? new("", [BuiltinCall.Code(text)])
            : new(text, []);

        IReadOnlyList<FunctionCallContent>? Read(ToolFormat syntax, Func<string, IReadOnlyList<FunctionCallContent>?> parse) =>
            format is null || format == syntax ? parse(text) : null;
    }
}
