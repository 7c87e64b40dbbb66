using Cria.Generation;
using Cria.Models;

namespace Cria.Chat;

/// <summary>How a <see cref="CriaChatClient"/> runs its model and writes its prompts.</summary>
public sealed record CriaChatClientOptions
{
    /// <summary>Arithmetic, cache and threads.</summary>
    public ModelOptions Model { get; init; } = new();

    /// <summary>How much is taken on at once, and the memory for it.</summary>
    public GeneratorOptions Generator { get; init; } = new();

    /// <summary>How tokens are guessed ahead; it changes the speed, not the text.</summary>
    public Speculation Speculation { get; init; }

    /// <summary>The draft model of <see cref="Speculation.Draft"/>, by path or name; loaded and disposed by the client.</summary>
    public string? Draft { get; init; }

    /// <summary>
    /// What becomes of a dialogue that does not fit the context: an error with the numbers, or if true, its oldest turns after the system message
    /// are left out and the response says how many messages that is (<see cref="CriaChatClient.DroppedMessages"/>). What goes is
    /// a quarter of the context at a time, so that the prompts of the next turns begin alike.
    /// </summary>
    public bool DropOldest { get; init; }

    /// <summary>How prompts are written; null = as the model's own template does, Meta's way for a model without one.</summary>
    public ChatStyle? Style { get; init; }

    /// <summary>How calls of tools are asked for in Meta style; a template has its own way. Calls are read in every syntax.</summary>
    public ToolFormat ToolFormat { get; init; }

    /// <summary>The date that a template prints, verbatim; null = today's.</summary>
    public string? Date { get; init; }
}
