using System.Globalization;
using Cria.Chat.ToolCalls;
using Cria.Formats;
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
        return options.Style == ChatStyle.Meta ? MetaFormat.Render(list, options) : HuggingFaceFormat.Render(list, options);
    }

    /// <summary>Every result of a tool is a message of its own.</summary>
    static IEnumerable<ChatMessage> OneResultEach(ChatMessage message) =>
        message.Role == ChatRole.Tool && message.Contents.OfType<FunctionResultContent>().Skip(1).Any() ? message.Contents.Select(c => new ChatMessage(message.Role, [c])) : [message];

    /// <summary>The style of a chat template, recognised by its own words.</summary>
    /// <exception cref="CriaException">The template is not one of Llama 3.1 or 3.2 Instruct.</exception>
    public static ChatStyle Recognise(string template)
    {
        // The two published templates share these lines; only that of 3.2 asks the clock.
        if (!template.Contains("Cutting Knowledge Date: December 2023") || !template.Contains("tools_in_user_message"))
            throw new CriaException("the model's chat template is not one of Llama 3.1 or 3.2 Instruct; choose --style meta or hf");
        return template.Contains("strftime_now") ? ChatStyle.HuggingFace32 : ChatStyle.HuggingFace31;
    }

    /// <summary>The style of a model: that of its directory's chat template, Meta's where it has none.</summary>
    /// <exception cref="CriaException">The template is not one of Llama 3.1 or 3.2 Instruct.</exception>
    public static ChatStyle StyleOf(string modelPath) => ChatTemplateFile.Read(modelPath) is { } template ? Recognise(template) : ChatStyle.Meta;

    /// <summary>Today as the prompts write it: .NET's format, English names.</summary>
    internal static string Today(string format) => DateTime.Now.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>The text of a role's header.</summary>
    internal static string Header(ChatRole role) => role == ChatRole.Tool ? "ipython" : role.Value;
}
