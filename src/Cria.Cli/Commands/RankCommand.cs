using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cria.Chat;

namespace Cria.Cli.Commands;

/// <summary>`cria rank`: which text describes an image best, or which image a text.</summary>
static class RankCommand
{
    public static Command Create()
    {
        var images = new Option<string[]>("--image") { Description = "An image; repeat it to rank several by one text" };
        var texts = new Option<string[]>("--text") { Description = "A text as a caption would say it; repeat it to rank several by one image" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("rank", "Texts ranked by an image, or images by a text.") { images, texts, json };
        var run = new ModelOptionsBinder(command);
        command.Validators.Add(r =>
        {
            if (Math.Min(r.GetValue(images)!.Length, r.GetValue(texts)!.Length) != 1)
                r.AddError("give one --image and any number of --text, or one --text and any number of --image");
        });
        command.SetAction(async (r, cancellation) =>
        {
            var (files, captions) = (r.GetValue(images)!, r.GetValue(texts)!);
            var pictures = Array.ConvertAll(files, Input.ReadImage);
            using var client = CriaChatClient.Load(run.Path(r), new() { Model = run.Options(r), Style = ChatStyle.Meta }); // no template is needed
            var ranksTexts = files.Length == 1;
            var matches = ranksTexts ? await client.RankTextsAsync(pictures[0], captions, cancellationToken: cancellation)
                : await client.RankImagesAsync(captions[0], pictures, cancellationToken: cancellation);
            if (r.GetValue(json))
                Output.Json(w => Write(matches, ranksTexts ? captions : files, ranksTexts ? "text" : "image", w));
            else
                Print(matches, ranksTexts ? Array.ConvertAll(captions, Output.Quote) : files, ranksTexts ? "text" : "image");
            return 0;
        });
        return command;
    }

    static void Print(IReadOnlyList<ImageTextMatch> matches, string[] ranked, string kind)
    {
        Console.Out.WriteLine($"     score  per token    logprob  {kind}");
        foreach (var match in matches)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{match.Score,10:f4} {match.ScorePerToken,10:f4} {match.Seen.LogProb,10:f4}  {ranked[match.Index]}"));
    }

    static void Write(IReadOnlyList<ImageTextMatch> matches, string[] ranked, string kind, Utf8JsonWriter json)
    {
        json.WriteStartArray("matches");
        foreach (var match in matches)
        {
            json.WriteStartObject();
            json.WriteNumber("index", match.Index);
            json.WriteString(kind, ranked[match.Index]);
            json.WriteNumber("score", match.Score);
            json.WriteNumber("score_per_token", match.ScorePerToken);
            json.WriteNumber("logprob", match.Seen.LogProb);
            json.WriteNumber("logprob_without_image", match.Unseen.LogProb);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
