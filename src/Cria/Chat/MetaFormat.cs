using Cria.Chat.ToolCalls;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>Meta's prompt format (llama-models, models/llama3/chat_format.py): role, empty line and every content part encoded separately.</summary>
static class MetaFormat
{
    public static Prompt Render(IReadOnlyList<ChatMessage> messages, ChatFormatOptions options)
    {
        var parts = new List<PromptPart>();
        messages = Composition(options) switch
        {
            SystemPrompt.Llama31 => Llama31SystemPrompt.Compose(messages, options),
            SystemPrompt.Llama32 => PythonicToolPrompt.Compose(messages, options),
            _ => messages,
        };
        if (options.Mode != ChatMode.Message)
            parts.Add(Control("<|begin_of_text|>"));
        if (options.Mode == ChatMode.Completion)
        {
            WriteContent(First(messages), reply: false, parts);
            return new Prompt(parts);
        }
        foreach (var message in options.Mode == ChatMode.Message ? [First(messages)] : messages)
            WriteMessage(message, options.ToolFormat, parts);
        if (options.Mode == ChatMode.Dialog && options.AddGenerationPrompt)
            WriteHeader("assistant", parts);
        return new Prompt(parts);
    }

    static SystemPrompt Composition(ChatFormatOptions options) =>
        options.SystemPrompt != SystemPrompt.Auto || options.Tools is null or [] && options.BuiltinTools is null or [] ? options.SystemPrompt
        : options.ToolFormat == ToolFormat.Pythonic ? SystemPrompt.Llama32 : SystemPrompt.Llama31;

    static void WriteMessage(ChatMessage message, ToolFormat format, List<PromptPart> parts)
    {
        var reply = message.Role == ChatRole.Assistant;
        WriteHeader(ChatFormat.Header(message.Role), parts);
        var calls = message.Contents.OfType<FunctionCallContent>().ToList();
        if (calls.FirstOrDefault()?.Name == "code_interpreter")
            parts.Add(new("<|python_tag|>", IsControl: true, reply));
        WriteContent(message, reply, parts);
        foreach (var call in calls)
            parts.Add(new(BuiltinCall.Write(call) ?? Write(call, format), IsControl: false, reply));
        var end = reply && Property(message, ChatFormat.StopReason) == "end_of_message" ? "<|eom_id|>" : "<|eot_id|>";
        parts.Add(new(end, IsControl: true, reply));
    }

    static string Write(FunctionCallContent call, ToolFormat format) => format switch
    {
        ToolFormat.Json => JsonCalls.Write(call),
        ToolFormat.FunctionTag => FunctionTags.Write(call),
        _ => PythonicCalls.Write([call]),
    };

    static void WriteHeader(string role, List<PromptPart> parts) =>
        parts.AddRange([Control("<|start_header_id|>"), new(role), Control("<|end_header_id|>"), new("\n\n")]);

    static void WriteContent(ChatMessage message, bool reply, List<PromptPart> parts)
    {
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextContent text:
                    parts.Add(new(text.Text, IsControl: false, reply));
                    break;
                case FunctionResultContent result:
                    parts.Add(new(ToolResult.ToText(result.Result)));
                    break;
                case DataContent or UriContent:
                    parts.Add(Control(Prompt.Image));
                    break;
            }
        }
        if (Property(message, ChatFormat.Context) is { } context)
            parts.AddRange([new("\n\n"), new(context)]);
    }

    static PromptPart Control(string name) => new(name, IsControl: true);

    static ChatMessage First(IReadOnlyList<ChatMessage> messages) =>
        messages.Count > 0 ? messages[0] : throw new CriaException("messages is empty");

    static string? Property(ChatMessage message, string name) =>
        message.AdditionalProperties?.TryGetValue(name, out var value) == true ? value?.ToString() : null;
}
