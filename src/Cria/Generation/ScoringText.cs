using System.Text;
using Cria.Formats;
using Cria.Models;
using Cria.Tokenization;

namespace Cria.Generation;

/// <summary>A continuation whose likelihood is asked for, and the context that it is conditioned on.</summary>
/// <param name="Context">The ids before it, taken as they are: no BOS is added. Those that stand for images are <see cref="ModelConfig.ImageTokenId"/>.</param>
/// <param name="Continuation">The ids that are scored; none stands for an image.</param>
public sealed record ScoringText(int[] Context, int[] Continuation)
{
    /// <summary>The images of the context in the order of the tokens that stand for them.</summary>
    public IReadOnlyList<ImageTiles> Images { get; init; } = [];

    /// <summary>The continuation as text, if it was given as one.</summary>
    public string Text { get; init; } = "";

    /// <summary>Whether two have the same context, so that what is read of it serves both.</summary>
    internal static IEqualityComparer<ScoringText> SameContext { get; } = EqualityComparer<ScoringText>.Create(
        (a, b) => a!.Context.AsSpan().SequenceEqual(b!.Context) && a.Images.Select(i => i.Hash).SequenceEqual(b.Images.Select(i => i.Hash)),
        text => text.Context.Aggregate(text.Images.Count, HashCode.Combine));

    /// <summary>
    /// A context and its continuation with the tokens of the two as one text, which are the tokens that a model was trained on: " B" behind "Answer:", and behind
    /// "Answer: " the same although the blank is written there. So trailing blanks of the context count as the continuation's, and a token that holds
    /// the end of one and the beginning of the other is the continuation's too (evaluation specification section 5.0).
    /// </summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="head">Ids before the context: BOS, images, a dialogue.</param>
    /// <param name="context">The text before the continuation; may be empty.</param>
    /// <param name="continuation">The text that is scored.</param>
    public static ScoringText Of(Tokenizer tokenizer, IEnumerable<int> head, string context, string continuation)
    {
        var ids = tokenizer.Encode(context + continuation);
        var (left, start) = (Encoding.UTF8.GetByteCount(context.AsSpan().TrimEnd(' ')), 0);
        while (start < ids.Length && (left -= tokenizer.TokenBytes(ids[start]).Length) >= 0)
            start++;
        return new([.. head, .. ids.AsSpan(0, start)], ids[start..]) { Text = continuation };
    }
}
