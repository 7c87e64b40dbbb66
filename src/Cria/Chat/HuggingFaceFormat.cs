using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// The Hugging Face chat templates of Llama 3.1 and 3.2 Instruct, for dialogues without tools (spec section 6.6). Text between two
/// control tokens is one part, as the template's output is encoded in one go.
/// </summary>
static class HuggingFaceFormat
{
    public static Prompt Render(IReadOnlyList<ChatMessage> messages, ChatFormatOptions options)
    {
        if (options.Tools.Count > 0 || messages.Any(m => m.Contents.Any(c => c is FunctionCallContent)))
            throw new CriaException("tools are written in Meta style only; choose --style meta");
        if (messages.Count == 0)
            throw new CriaException("messages is empty");
        var system = "";
        if (messages[0].Role == ChatRole.System)
        {
            system = Trim(Content(messages[0]));
            messages = [.. messages.Skip(1)];
        }
        var date = options.Date ?? (options.Style == ChatStyle.HuggingFace31 ? "26 Jul 2024" // that template's constant
            : DateTime.Now.ToString("dd MMM yyyy", CultureInfo.InvariantCulture));
        var parts = new List<PromptPart> { new("<|begin_of_text|>", IsControl: true) };
        Write("system", $"Cutting Knowledge Date: December 2023\nToday Date: {date}\n\n{system}", parts);
        foreach (var message in messages)
            Write(ChatFormat.Header(message.Role), message.Role == ChatRole.Tool || message.Role.Value == "ipython"
                ? ToolResult.ToJson(message) : Trim(Content(message)), parts);
        if (options.AddGenerationPrompt)
            WriteHeader("assistant", "\n\n", parts);
        return new Prompt(parts);
    }

    static void Write(string role, string content, List<PromptPart> parts)
    {
        WriteHeader(role, "\n\n" + content, parts);
        parts.Add(new("<|eot_id|>", IsControl: true, role == "assistant"));
    }

    static void WriteHeader(string role, string content, List<PromptPart> parts) =>
        parts.AddRange([new("<|start_header_id|>", IsControl: true), new(role), new("<|end_header_id|>", IsControl: true), new(content, false, role == "assistant")]);

    static string Content(ChatMessage message)
    {
        var text = new StringBuilder();
        foreach (var content in message.Contents)
            text.Append(content is TextContent t ? t.Text
                : throw new CriaException($"a {message.Role} message holds content that this chat template cannot express; choose --style meta"));
        return text.ToString();
    }

    /// <summary>Python's str.strip: Unicode white space and U+001C to U+001F.</summary>
    static string Trim(string text)
    {
        int start = 0, end = text.Length;
        while (start < end && IsSpace(text[start]))
            start++;
        while (end > start && IsSpace(text[end - 1]))
            end--;
        return text[start..end];

        static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';
    }
}
