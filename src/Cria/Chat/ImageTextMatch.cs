using Cria.Generation;

namespace Cria.Chat;

/// <summary>How well a text describes an image. Immutable.</summary>
/// <param name="Index">Which of the texts, or which of the images, that were to be ranked.</param>
/// <param name="Seen">The text's likelihood as a caption behind the image.</param>
/// <param name="Unseen">Its likelihood as a caption without one: how common the text is.</param>
public sealed record ImageTextMatch(int Index, Likelihood Seen, Likelihood Unseen)
{
    /// <summary>
    /// The pointwise mutual information of text and image, log p(text | image) - log p(text): above 0 the image makes the text likelier. For one text and several images it orders as
    /// log p(text | image) does.
    /// </summary>
    public double Score => Seen.LogProb - Unseen.LogProb;

    /// <summary><see cref="Score"/> as the mean of the text's tokens, where long texts shall not stand out.</summary>
    public double ScorePerToken => Score / Seen.Tokens.Count;
}
