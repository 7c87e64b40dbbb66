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

/// <summary>What Meta's style puts around the messages.</summary>
public enum SystemPrompt
{
    /// <summary><see cref="Llama32"/> if there are tools, else nothing.</summary>
    Auto,

    /// <summary>One system message of Llama 3.1: environment and built-in tools, dates, the system text.</summary>
    Llama31,

    /// <summary>One system message of Llama 3.2: built-in tools, the tools with the instruction to call them pythonically, the system text.</summary>
    Llama32,
}

/// <summary>How to write a dialogue.</summary>
public sealed record ChatFormatOptions
{
    /// <summary>Whose rules.</summary>
    public ChatStyle Style { get; init; }

    /// <summary>What is written; Meta style only.</summary>
    public ChatMode Mode { get; init; }

    /// <summary>Tools on offer; written in Meta style by <see cref="SystemPrompt.Llama32"/>.</summary>
    public IReadOnlyList<AIFunctionDeclaration> Tools { get; init; } = [];

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
