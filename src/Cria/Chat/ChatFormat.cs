using System.Globalization;
using Cria.Chat.Templates;
using Cria.Chat.ToolCalls;
using Cria.Formats;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// Writes dialogues as prompts, exactly as the reference does (spec section 6). Text inside a message never becomes control tokens,
/// in every style. Stateless and thread-safe.
/// </summary>
public static class ChatFormat
{
    /// <summary>The key in a message's AdditionalProperties that says how an assistant's message ended: `end_of_turn`, `end_of_message`, `out_of_tokens`.</summary>
    public const string StopReason = "stop_reason";

    /// <summary>The key in a user message's AdditionalProperties for retrieved text that follows the question.</summary>
    public const string Context = "context";

    /// <summary>The names of the tools that Meta's models were trained to call without a definition.</summary>
    public static IReadOnlyList<string> BuiltinTools => BuiltinCall.Names;

    /// <summary>Renders a dialogue.</summary>
    /// <exception cref="CriaException">The style cannot express the dialogue.</exception>
    public static Prompt Render(IEnumerable<ChatMessage> messages, ChatFormatOptions options)
    {
        var list = messages.SelectMany(OneResultEach).ToList();
        var own = options.Tools is null ? options.Template : options.ToolTemplate ?? options.Template;
        return own is not null ? own.Render(list, options)
            : options.Style == ChatStyle.Meta ? MetaFormat.Render(list, options) : HuggingFaceFormat.Render(list, options);
    }

    /// <summary>Every result of a tool is a message of its own.</summary>
    static IEnumerable<ChatMessage> OneResultEach(ChatMessage message) =>
        message.Role == ChatRole.Tool && message.Contents.OfType<FunctionResultContent>().Skip(1).Any() ? message.Contents.Select(c => new ChatMessage(message.Role, [c])) : [message];

    /// <summary>How a chat template writes: as one of the styles if it is one of Llama 3.1 or 3.2 Instruct, else by running it.</summary>
    /// <param name="template">The template; null = Meta's style.</param>
    /// <param name="tokenizer">The vocabulary, which says what a control token is.</param>
    /// <exception cref="CriaException">It is no template, or uses what chat templates do not; the error names the line.</exception>
    public static ChatFormatOptions Of(string? template, Tokenizer tokenizer) =>
        template is null ? new() : StyleOf(template) is { } style ? new() { Style = style } : new() { Template = Parse(template, tokenizer) };

    /// <summary>How a model's own chat templates write, those of a GGUF file's metadata or of a directory; Meta's style where it has none.</summary>
    /// <exception cref="CriaException">A template cannot be read.</exception>
    public static ChatFormatOptions OfModel(string modelPath, Tokenizer tokenizer)
    {
        var (usual, toolUse) = ChatTemplateFile.Read(modelPath);
        return Of(usual, tokenizer) with { ToolTemplate = toolUse is null || toolUse == usual ? null : Parse(toolUse, tokenizer) };
    }

    /// <summary>The two published templates share these lines; only that of 3.2 asks the clock.</summary>
    static ChatStyle? StyleOf(string template) => !template.Contains("Cutting Knowledge Date: December 2023") || !template.Contains("tools_in_user_message") ? null
        : template.Contains("strftime_now") ? ChatStyle.HuggingFace32 : ChatStyle.HuggingFace31;

    static ChatTemplate Parse(string template, Tokenizer tokenizer) => ChatTemplate.Parse(template, text => tokenizer.SpecialId(text) is not null);

    /// <summary>Whether a model has a chat template of its own.</summary>
    /// <exception cref="CriaException">Its template cannot be read.</exception>
    public static bool HasTemplate(string modelPath) => ChatTemplateFile.Read(modelPath).Default is not null;

    /// <summary>Today as the prompts write it: .NET's format, English names.</summary>
    internal static string Today(string format) => DateTime.Now.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>The text of a role's header.</summary>
    internal static string Header(ChatRole role) => role == ChatRole.Tool ? "ipython" : role.Value;
}
