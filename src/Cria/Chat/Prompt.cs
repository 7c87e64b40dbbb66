using Cria.Generation;
using Cria.Tokenization;

namespace Cria.Chat;

/// <summary>A stretch of a prompt: ordinary text, or the name of one control token.</summary>
/// <param name="Text">The text; a control token's literal text.</param>
/// <param name="IsControl">Whether this is a control token. Text is never turned into one.</param>
/// <param name="IsReply">Whether an assistant wrote it (its content and the token that ends it): what training learns.</param>
public readonly record struct PromptPart(string Text, bool IsControl = false, bool IsReply = false);

/// <summary>A rendered dialogue: parts that are each encoded on their own. Immutable.</summary>
public sealed class Prompt(IReadOnlyList<PromptPart> parts)
{
    /// <summary>An image's place in a prompt; its id is the first behind the text vocabulary (spec section 5.2).</summary>
    public const string Image = SpecialTokens.Image;

    /// <summary>The parts in order.</summary>
    public IReadOnlyList<PromptPart> Parts { get; } = parts;

    /// <summary>The prompt as text, control tokens by their literal text.</summary>
    public string Text => string.Concat(Parts.Select(p => p.Text));

    /// <summary>The ids of the whole prompt; exactly one BOS, at the front.</summary>
    /// <exception cref="CriaException">The vocabulary lacks a control token.</exception>
    public int[] Encode(Tokenizer tokenizer) => [.. Parts.SelectMany(p => Encode(tokenizer, p))];

    /// <summary>A text as a base model reads it, behind one BOS.</summary>
    /// <param name="text">The text.</param>
    /// <param name="images">The images of the prompt. They stand before the text unless that says where.</param>
    /// <param name="marks">Whether <see cref="Image"/> in the text says where an image stands; else it is text like any other.</param>
    public static Prompt OfText(string text, int images, bool marks)
    {
        var image = new PromptPart(Image, IsControl: true);
        string[] stretches = marks && text.Contains(Image, StringComparison.Ordinal) ? text.Split(Image) : [.. Enumerable.Repeat("", images), text];
        return new([new("<|begin_of_text|>", IsControl: true), new(stretches[0]), .. stretches.Skip(1).SelectMany(stretch => (PromptPart[])[image, new(stretch)])]);
    }

    /// <summary>A continuation of the prompt, to be scored: its tokens are those of one text with the prompt's last part, unless that is a control token.</summary>
    /// <exception cref="CriaException">The vocabulary lacks a control token.</exception>
    public ScoringText Continue(Tokenizer tokenizer, string continuation)
    {
        var last = Parts is [.., { IsControl: false } text] ? text.Text : null;
        return ScoringText.Of(tokenizer, Parts.SkipLast(last is null ? 0 : 1).SelectMany(p => Encode(tokenizer, p)), last ?? "", continuation);
    }

    /// <summary>The ids of one part.</summary>
    /// <exception cref="CriaException">The vocabulary lacks the control token.</exception>
    public static int[] Encode(Tokenizer tokenizer, PromptPart part) =>
        !part.IsControl ? tokenizer.Encode(part.Text)
        : part.Text == Image ? [tokenizer.OrdinaryCount + SpecialTokens.Count]
        : [tokenizer.SpecialId(part.Text) ?? throw new CriaException($"the vocabulary has no control token {part.Text}")];
}
