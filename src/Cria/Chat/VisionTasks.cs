using System.Text.RegularExpressions;
using Cria.Images;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// What the Llama 3.2 Vision models are meant for, as methods of any client that takes images. The instructions are our own, after what Meta says
/// of those of its evaluations (specification section 6): image first, limits on the answer's length, greedy unless the options say otherwise.
/// </summary>
public static partial class VisionTasks
{
    const int ShortAnswer = 25, LongAnswer = 512;

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
        using var picture = ImageDecoder.Decode(image.Data.Span, image.Name ?? "the image");
        return GroundingBox.Parse(await client.AskAsync(image, GroundingBox.Instruction(what), LongAnswer, options, cancellationToken).ConfigureAwait(false), (picture.Width, picture.Height));
    }

    /// <summary>The answer in what a model wrote: behind the last "final answer" or "the answer is" if it says so, else the first line; without quotes, markdown and the full stop.</summary>
    public static string ParseAnswer(string text)
    {
        var marks = Mark().Matches(text);
        var answer = marks.Count > 0 ? text[(marks[^1].Index + marks[^1].Length)..] : text;
        return answer.Trim().Split('\n')[0].Trim().Trim('*', '"', '“', '”', '`', ' ').TrimEnd('.').Trim('*', '"', '“', '”', '`', ' ');
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
