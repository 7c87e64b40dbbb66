using Cria.Models;

namespace Cria.Chat;

/// <summary>How a <see cref="CriaChatClient"/> runs its model and writes its prompts.</summary>
public sealed record CriaChatClientOptions
{
    /// <summary>Arithmetic, cache and threads.</summary>
    public ModelOptions Model { get; init; } = new();

    /// <summary>How prompts are written; null = as the model's own template does, Meta's way for a model without one.</summary>
    public ChatStyle? Style { get; init; }

    /// <summary>The date that a template prints, verbatim; null = today's.</summary>
    public string? Date { get; init; }
}
