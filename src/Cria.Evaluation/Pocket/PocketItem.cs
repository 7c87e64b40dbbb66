using Microsoft.Extensions.AI;

namespace Cria.Evaluation.Pocket;

/// <summary>Which part of the world an item belongs to; the parts share no prompt.</summary>
public enum PocketSplit
{
    /// <summary>For training.</summary>
    Train,

    /// <summary>For choosing between trainings.</summary>
    Validation,

    /// <summary>For scores that are reported.</summary>
    Test,
}

/// <summary>One task: a dialogue that waits for a reply, the reply that is right, and a verifier that scores any.</summary>
/// <param name="Family">The name of the family it comes from.</param>
/// <param name="Prompt">The dialogue; the last message is the user's or a tool's.</param>
/// <param name="Answer">The reference reply: text, or calls.</param>
/// <param name="Tools">The tools on offer.</param>
/// <param name="Verify">Scores a reply from 0 to 1; the reference reply scores 1.</param>
public sealed record PocketItem(
    string Family,
    IReadOnlyList<ChatMessage> Prompt,
    ChatMessage Answer,
    IReadOnlyList<AIFunctionDeclaration> Tools,
    Func<ChatMessage, double> Verify)
{
    /// <summary>An item of one question and a text answer.</summary>
    public static PocketItem Ask(string family, string question, string answer, Func<string, double>? verify = null) =>
        Ask(family, [new(ChatRole.User, question)], answer, verify);

    /// <summary>An item of a dialogue and a text answer; without a verifier the same words are asked for.</summary>
    public static PocketItem Ask(string family, IReadOnlyList<ChatMessage> prompt, string answer, Func<string, double>? verify = null) =>
        new(family, prompt, new ChatMessage(ChatRole.Assistant, answer), [],
            reply => Answers.IsEchoOrDump(reply.Text, prompt.Last(m => m.Role == ChatRole.User).Text, answer) ? 0
                : verify is null ? (Answers.Same(reply.Text, answer) ? 1 : 0) : verify(reply.Text));
}

/// <summary>One kind of task.</summary>
public abstract class PocketFamily
{
    /// <summary>Its name in reports.</summary>
    public abstract string Name { get; }

    /// <summary>An item; a pure function of the stream.</summary>
    public abstract PocketItem Create(PocketRandom random);
}
