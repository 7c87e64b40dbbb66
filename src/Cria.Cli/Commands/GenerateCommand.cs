using System.CommandLine;
using System.Text.Json;
using Cria.Formats;
using Cria.Generation;
using Cria.Models;

namespace Cria.Cli.Commands;

/// <summary>`cria generate`: raw completion of a text or of token ids.</summary>
static class GenerateCommand
{
    public static Command Create()
    {
        var logProbs = new Option<int?>("--logprobs") { Description = "With --json: every token's log probability, and those of this many alternatives" }.Bounded(0, 1000);
        var json = new Option<bool>("--json") { Description = "Print JSON instead of streaming the text" };
        var command = new Command("generate", "Continues a text.") { logProbs, json };
        var prompt = new PromptBinder(command, "--prompt");
        var run = new ModelOptionsBinder(command);
        var sampling = new SamplingOptionsBinder(command);
        var speculation = new SpeculationBinder(command);
        command.SetAction(async (r, cancellation) =>
        {
            var path = run.Path(r);
            var constraint = sampling.ConstraintOf(r.CommandResult);
            var (ids, tokenizer) = prompt.Read(r, path);
            tokenizer ??= ModelTokenizer.LoadIfPresent(path); // a model driven by ids needs none
            using var model = TextModel.Load(path, run.Options(r));
            var (kind, draftName) = speculation.Read(r);
            using var draft = draftName is null ? null : TextModel.Load(draftName, run.Options(r) with { Adapter = null });
            using var generator = new Generator(model, tokenizer, new() { Draft = draft });
            var options = sampling.Generation(r.CommandResult, GenerationOptions.From(model.Defaults)) with
            {
                TopLogProbs = r.GetValue(logProbs),
                Speculation = kind,
                Constraint = constraint,
                Images = prompt.Images(r, model, ids),
            };
            var asJson = r.GetValue(json);
            var answer = new List<GeneratedToken>();
            await foreach (var token in generator.GenerateAsync(ids, options, cancellation))
            {
                answer.Add(token);
                if (!asJson)
                    Console.Out.Write(token.Text);
            }
            if (asJson)
                Output.Json(w => Write(answer, withLogProbs: options.TopLogProbs is not null, w));
            else
                Console.Out.WriteLine();
            return 0;
        });
        return command;
    }

    static void Write(List<GeneratedToken> answer, bool withLogProbs, Utf8JsonWriter json)
    {
        json.WriteNumbers("ids", answer.Select(t => t.Id));
        json.WriteString("text", string.Concat(answer.Select(t => t.Text)));
        json.WriteString("finish_reason", answer[^1].Finish == FinishReason.Stop ? "stop" : "length");
        if (!withLogProbs)
            return;
        json.WriteStartArray("logprobs");
        foreach (var token in answer)
        {
            json.WriteStartObject();
            Write(new(token.Id, token.LogProb!.Value), json);
            json.WriteStartArray("top");
            foreach (var alternative in token.TopLogProbs)
            {
                json.WriteStartObject();
                Write(alternative, json);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Write(TokenLogProb token, Utf8JsonWriter json)
    {
        json.WriteNumber("id", token.Id);
        json.WriteNumber("logprob", token.LogProb);
    }
}
