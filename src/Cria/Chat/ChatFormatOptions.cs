using Cria.Chat.Templates;
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

/// <summary>How calls of tools are written (spec section 6.3); the definitions follow it in Meta style.</summary>
public enum ToolFormat
{
    /// <summary>`[name(argument="value")]`, Llama 3.2's.</summary>
    Pythonic,

    /// <summary>`{"type": "function", "name": ..., "parameters": {...}}`, Llama 3.1's; without `type` in the Hugging Face templates.</summary>
    Json,

    /// <summary>`&lt;function=name>{"argument": "value"}&lt;/function>`, Llama 3.1's other one.</summary>
    FunctionTag,
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

/// <summary>What Meta's style puts around the messages.</summary>
public enum SystemPrompt
{
    /// <summary>If there are tools that of their format: <see cref="Llama32"/> for pythonic calls, else <see cref="Llama31"/>; else nothing.</summary>
    Auto,

    /// <summary>One system message of Llama 3.1: environment and built-in tools, dates, the system text; then a user message with the tools, if any.</summary>
    Llama31,

    /// <summary>One system message of Llama 3.2: built-in tools, the tools with the instruction to call them pythonically, the system text.</summary>
    Llama32,
}

/// <summary>How to write a dialogue.</summary>
public sealed record ChatFormatOptions
{
    /// <summary>Whose rules.</summary>
    public ChatStyle Style { get; init; }

    /// <summary>The template that writes the dialogue, in place of a style.</summary>
    public ChatTemplate? Template { get; init; }

    /// <summary>The template that writes it instead where tools are on offer.</summary>
    public ChatTemplate? ToolTemplate { get; init; }

    /// <summary>What is written; Meta style only.</summary>
    public ChatMode Mode { get; init; }

    /// <summary>Tools on offer. A Hugging Face template writes its instructions for an empty list too; null = none.</summary>
    public IReadOnlyList<AIFunctionDeclaration>? Tools { get; init; }

    /// <summary>How calls are written; Meta style only, the templates have their own.</summary>
    public ToolFormat ToolFormat { get; init; }

    /// <summary>Whether a Hugging Face template puts the tools into the first user message, as it does by default, or into the system message.</summary>
    public bool ToolsInUserMessage { get; init; } = true;

    /// <summary>Tools on offer that the models know by name (<see cref="ChatFormat.BuiltinTools"/>); null = none. The 3.2 template has no place for them.</summary>
    public IReadOnlyList<string>? BuiltinTools { get; init; }

    /// <summary>The date a template prints, verbatim; null = today's.</summary>
    public string? Date { get; init; }

    /// <summary>Whether the header of the reply stands at the end.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>What stands in front of the messages; Meta style only.</summary>
    public SystemPrompt SystemPrompt { get; init; }

    /// <summary>The system text is itself the template of the tool prompt instead of following it (Meta style).</summary>
    public bool SystemReplacesTools { get; init; }
}
