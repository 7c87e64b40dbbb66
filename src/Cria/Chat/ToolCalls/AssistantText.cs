using Microsoft.Extensions.AI;

namespace Cria.Chat.ToolCalls;

/// <summary>What an assistant's text says: content, or calls and then no content.</summary>
public sealed record AssistantText(string Content, IReadOnlyList<FunctionCallContent> Calls)
{
    const string Header = "<|start_header_id|>assistant<|end_header_id|>\n\n", PythonTag = "<|python_tag|>";

    /// <summary>
    /// Reads generated text, possibly with a header, `&lt;|python_tag|&gt;` and an end token as literals (llama-models,
    /// `decode_assistant_message_from_content`; spec section 6.5). Pythonic calls are recognised, all of a list; every other text is content.
    /// </summary>
    public static AssistantText Parse(string text)
    {
        text = text.Trim(' ');
        if (text.StartsWith(Header, StringComparison.Ordinal))
            text = text[Header.Length..];
        if (text.StartsWith(PythonTag, StringComparison.Ordinal))
            text = text[PythonTag.Length..];
        foreach (var end in new[] { "<|eot_id|>", "<|eom_id|>" })
        {
            if (!text.EndsWith(end, StringComparison.Ordinal))
                continue;
            text = text[..^end.Length];
            break;
        }
        return PythonicCalls.Parse(text) is { } calls ? new("", [.. calls.Select(BuiltinCall.Normalise)]) : new(text, []);
    }
}
