using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>Who prescribes how a dialogue is written.</summary>
public enum ChatStyle
{
    /// <summary>Meta's reference code (llama-models, `ChatFormat`): nothing is added or trimmed.</summary>
    Meta,

    /// <summary>The Hugging Face chat template of Llama 3.2 Instruct.</summary>
    HuggingFace32,

    /// <summary>The Hugging Face chat template of Llama 3.1 Instruct.</summary>
    HuggingFace31,
}

/// <summary>What of a dialogue is written.</summary>
public enum ChatMode
{
    /// <summary>BOS, all messages, the header of the reply.</summary>
    Dialog,

    /// <summary>The first message alone.</summary>
    Message,

    /// <summary>BOS and the first message's content: a base model's completion.</summary>
    Completion,
}

/// <summary>How to write a dialogue.</summary>
public sealed record ChatFormatOptions
{
    /// <summary>Whose rules.</summary>
    public ChatStyle Style { get; init; }

    /// <summary>What is written; Meta style only.</summary>
    public ChatMode Mode { get; init; }

    /// <summary>Tools on offer. Meta style writes the `llama3.2` composition with pythonic calls.</summary>
    public IReadOnlyList<AIFunctionDeclaration> Tools { get; init; } = [];

    /// <summary>The date a template prints, verbatim; null = today's.</summary>
    public string? Date { get; init; }

    /// <summary>Whether the header of the reply stands at the end.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>Compose one system message for the tools even if there are none (Meta style).</summary>
    public bool Compose { get; init; }

    /// <summary>The system text is itself the template of the tool prompt instead of following it (Meta style).</summary>
    public bool SystemReplacesTools { get; init; }
}

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

    /// <summary>Renders a dialogue.</summary>
    /// <exception cref="CriaException">The style cannot express the dialogue.</exception>
    public static Prompt Render(IEnumerable<ChatMessage> messages, ChatFormatOptions options)
    {
        var list = messages.ToList();
        return options.Style == ChatStyle.Meta ? MetaFormat.Render(list, options) : HuggingFaceFormat.Render(list, options);
    }

    /// <summary>The style of a chat template, recognised by its own words.</summary>
    /// <exception cref="CriaException">The template is not one of Llama 3.1 or 3.2 Instruct.</exception>
    public static ChatStyle Recognise(string template)
    {
        // The two published templates share these lines; only that of 3.2 asks the clock.
        if (!template.Contains("Cutting Knowledge Date: December 2023") || !template.Contains("tools_in_user_message"))
            throw new CriaException("the model's chat template is not one of Llama 3.1 or 3.2 Instruct; choose --style meta or hf");
        return template.Contains("strftime_now") ? ChatStyle.HuggingFace32 : ChatStyle.HuggingFace31;
    }

    /// <summary>The text of a role's header.</summary>
    internal static string Header(ChatRole role) => role == ChatRole.Tool ? "ipython" : role.Value;
}
