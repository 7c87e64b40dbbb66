using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cria.Chat;
using Cria.Formats;
using Cria.Generation;
using Cria.Models;
using Cria.Tokenization;

namespace Cria.Cli.Commands;

/// <summary>`cria score`: how probable a model finds continuations of a text.</summary>
static class ScoreCommand
{
    public static Command Create()
    {
        var context = new Option<string>("--context") { Description = "The text before the continuations; it gets one BOS", DefaultValueFactory = _ => "" };
        var continuations = new Option<string[]>("--continuation") { Description = "A text to score; repeat it for several. Without a context it is a whole text" };
        var images = new Option<string[]>("--image") { Description = "An image; repeat it for several. They stand before the context unless that says <|image|>" };
        var batch = new Option<string?>("--batch") { Description = "A JSONL file of {\"context\",\"continuations\",\"images\"}; in the place of texts may be lists of token ids" }.NotEmpty();
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("score", "Log-likelihoods of continuations.") { context, continuations, images, batch, json };
        var run = new ModelOptionsBinder(command);
        command.Validators.Add(r =>
        {
            if (r.GetValue(continuations) is { Length: > 0 } == r.GetValue(batch) is not null)
                r.AddError("give one of --continuation, --batch");
            if (r.GetValue(batch) is not null && (r.GetResult(context) is { Implicit: false } || r.GetValue(images) is { Length: > 0 }))
                r.AddError("--context and --image stand in the lines of --batch");
        });
        command.SetAction(async (r, cancellation) =>
        {
            var path = run.Path(r);
            using var model = TextModel.Load(path, run.Options(r));
            using var generator = new Generator(model);
            var tokenizer = new Lazy<Tokenizer>(() => ModelTokenizer.Load(path)); // a model driven by ids needs none
            if (r.GetValue(batch) is { } lines)
            {
                Output.Batch(lines, (line, answer) => Write(ScoreAsync(Texts(line, tokenizer), line.GetTexts("images")).GetAwaiter().GetResult(), answer));
                return 0;
            }
            var prompt = Prompt.OfText(r.GetValue(context)!, r.GetValue(images)!.Length, marks: r.GetValue(images)!.Length > 0);
            var scores = await ScoreAsync(r.GetValue(continuations)!.Select(c => prompt.Continue(tokenizer.Value, c)), r.GetValue(images)!);
            if (r.GetValue(json))
                Output.Json(w => Write(scores, w));
            else
                Print(scores);
            return 0;

            Task<Likelihood[]> ScoreAsync(IEnumerable<ScoringText> texts, IReadOnlyList<string> images)
            {
                if (images.Count > 0 && model.ImageTransform is null)
                    throw new CriaException("the model takes no images");
                ImageTiles[] tiles = [.. images.Select(image => model.ImageTransform!.Apply(image))];
                return generator.ScoreAsync([.. texts.Select(text => text with { Images = tiles })], cancellation: cancellation);
            }
        });
        return command;
    }

    /// <summary>The texts of a batch's line; its images are read apart.</summary>
    static IEnumerable<ScoringText> Texts(JsonElement line, Lazy<Tokenizer> tokenizer)
    {
        if (!line.GetList("continuations").Any())
            throw new CriaException("continuations is missing");
        if (line.Get("context", JsonValueKind.String, JsonValueKind.Array) is { ValueKind: JsonValueKind.Array } context)
            return line.GetList("continuations").Select(c => new ScoringText(Ids("context", context), Ids("continuations", c)));
        var images = line.GetTexts("images").Length;
        var prompt = Prompt.OfText(line.GetText("context") ?? "", images, marks: images > 0);
        return line.GetTexts("continuations").Select(c => prompt.Continue(tokenizer.Value, c));
    }

    static int[] Ids(string name, JsonElement list) => list.ValueKind != JsonValueKind.Array ? throw new CriaException($"{name} holds more than lists of ids")
        : [.. list.EnumerateArray().Select(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var number) ? number : throw new CriaException($"{name} holds more than ids"))];

    static void Print(Likelihood[] scores)
    {
        Console.Out.WriteLine("   logprob  per token  tokens  greedy  continuation");
        foreach (var score in scores)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{score.LogProb,10:f4} {score.LogProb / score.Tokens.Count,10:f4} {score.Tokens.Count,7}  {(score.IsGreedy ? "yes" : "no"),-6}  {Output.Quote(score.Text)}"));
    }

    static void Write(Likelihood[] scores, Utf8JsonWriter json)
    {
        json.WriteStartArray("scores");
        foreach (var score in scores)
        {
            json.WriteStartObject();
            json.WriteNumber("logprob", score.LogProb);
            json.WriteBoolean("greedy", score.IsGreedy);
            json.WriteNumber("characters", score.Characters);
            json.WriteNumber("bytes", score.Bytes);
            json.WriteNumbers("ids", score.Tokens.Select(t => t.Id));
            json.WriteStartArray("logprobs");
            foreach (var token in score.Tokens)
                json.WriteNumberValue(token.LogProb);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
