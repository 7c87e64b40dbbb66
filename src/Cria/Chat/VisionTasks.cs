using System.Text.RegularExpressions;
using Cria.Images;
using Cria.Models;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// What the Llama 3.2 Vision models are meant for, as methods of any client that takes images. The instructions are our own, after what Meta says
/// of those of its evaluations (specification section 6): image first, limits on the answer's length, greedy unless the options say otherwise.
/// </summary>
public static partial class VisionTasks
{
    const int ShortAnswer = 25, LongAnswer = 512;

    /// <summary>What stands between an image and a text that is ranked; a base model knows it from the web, and an instructed one goes on with it too.</summary>
    const string CaptionMark = "Caption:";

    /// <summary>Describes an image.</summary>
    public static async Task<string> CaptionAsync(this IChatClient client, DataContent image, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        (await client.AskAsync(image, "Describe this image in one sentence.", LongAnswer, options, cancellationToken).ConfigureAwait(false)).Trim();

    /// <summary>Answers a question about an image in a few words: visual question answering.</summary>
    public static async Task<string> AnswerAsync(this IChatClient client, DataContent image, string question, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        ParseAnswer(await client.AskAsync(image, $"{question}\nAnswer yes or no, with a number, or with as few words as possible, never with a sentence.", ShortAnswer, options, cancellationToken).ConfigureAwait(false));

    /// <summary>Answers a question about a page, a form, a chart or another image that holds text: document question answering.</summary>
    public static async Task<string> AnswerFromDocumentAsync(this IChatClient client, DataContent image, string question, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        ParseAnswer(await client.AskAsync(image, $"{question}\nCopy the answer from the document exactly as it stands there; bare words or a number, never a sentence.", LongAnswer, options, cancellationToken).ConfigureAwait(false));

    /// <summary>Finds things in an image.</summary>
    /// <returns>Their boxes; none where the answer holds none.</returns>
    /// <exception cref="CriaException">The image cannot be read.</exception>
    public static async Task<IReadOnlyList<GroundingBox>> LocateAsync(this IChatClient client, DataContent image, string what, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var size = GroundingBox.SizeOf(image.Data.Span, image.Name ?? "the image");
        return GroundingBox.Parse(await client.AskAsync(image, GroundingBox.Instruction(what), LongAnswer, options, cancellationToken).ConfigureAwait(false), size);
    }

    /// <summary>
    /// Ranks texts by how well they describe an image. The best is not the likeliest, which would be a short one of common words, but the one that the image makes
    /// likelier most (<see cref="ImageTextMatch.Score"/>).
    /// </summary>
    /// <param name="client">A <see cref="CriaChatClient"/> with a vision model, or a decorator of one; base models do as well.</param>
    /// <param name="image">The image.</param>
    /// <param name="texts">What may be seen in it, as a caption would say it.</param>
    /// <param name="adapter">With which text and image are read; null for that of <see cref="ModelOptions.Adapter"/>, if any.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>All texts, the best first.</returns>
    /// <exception cref="CriaException">The client gives no likelihoods or takes no images, a text is empty or too long, or the image cannot be read.</exception>
    public static Task<IReadOnlyList<ImageTextMatch>> RankTextsAsync(this IChatClient client, DataContent image, IReadOnlyList<string> texts, Adapter? adapter = null, CancellationToken cancellationToken = default) =>
        client.MatchAsync([image], texts, adapter, cancellationToken);

    /// <summary>Ranks images by how well a text describes them. Each is read once, one after another.</summary>
    /// <param name="client">A <see cref="CriaChatClient"/> with a vision model, or a decorator of one; base models do as well.</param>
    /// <param name="text">What is looked for, as a caption would say it.</param>
    /// <param name="images">The images.</param>
    /// <param name="adapter">With which text and images are read; null for that of <see cref="ModelOptions.Adapter"/>, if any.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>All images, the best first.</returns>
    /// <exception cref="CriaException">The client gives no likelihoods or takes no images, the text is empty or too long, or an image cannot be read.</exception>
    public static Task<IReadOnlyList<ImageTextMatch>> RankImagesAsync(this IChatClient client, string text, IReadOnlyList<DataContent> images, Adapter? adapter = null, CancellationToken cancellationToken = default) =>
        client.MatchAsync(images, [text], adapter, cancellationToken);

    /// <summary>The answer in what a model wrote: behind the last "final answer" or "the answer is" if it says so, else the first line; without quotes, markdown and the full stop.</summary>
    public static string ParseAnswer(string text)
    {
        var marks = Mark().Matches(text);
        var answer = marks.Count > 0 ? text[(marks[^1].Index + marks[^1].Length)..] : text;
        return answer.Trim().Split('\n')[0].Trim().Trim('*', '"', '“', '”', '`', ' ').TrimEnd('.').Trim('*', '"', '“', '”', '`', ' ');
    }

    /// <summary>One image with several texts, or several with one.</summary>
    static async Task<IReadOnlyList<ImageTextMatch>> MatchAsync(this IChatClient client, IReadOnlyList<DataContent> images, IReadOnlyList<string> texts, Adapter? adapter, CancellationToken cancellation)
    {
        var scorer = client.GetService<CriaChatClient>() ?? throw new CriaException("the client gives no likelihoods to rank by; only a model on this machine does");
        string[] captions = [.. texts.Select((text, i) => text.Trim() is { Length: > 0 } words ? " " + words : throw new CriaException($"text {i} is empty"))];
        var unseen = await scorer.ScoreAsync(CaptionMark, captions, null, adapter, cancellation).ConfigureAwait(false);
        var matches = new List<ImageTextMatch>();
        foreach (var image in images)
        {
            var seen = await scorer.ScoreAsync(CaptionMark, captions, [image], adapter, cancellation).ConfigureAwait(false);
            for (var i = 0; i < seen.Count; i++)
                matches.Add(new(matches.Count, seen[i], unseen[i]));
        }
        return [.. matches.OrderByDescending(m => m.Score)];
    }

    static async Task<string> AskAsync(this IChatClient client, DataContent image, string text, int most, ChatOptions? options, CancellationToken cancellation)
    {
        options = options?.Clone() ?? new();
        options.Temperature ??= 0;
        options.MaxOutputTokens ??= most;
        return (await client.GetResponseAsync([new(ChatRole.User, [image, new TextContent(text)])], options, cancellation).ConfigureAwait(false)).Text;
    }

    [GeneratedRegex(@"\b(final answer( is)?|the( best)? answer is)\s{0,4}[:\s]", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Mark();
}
