using System.CommandLine;
using System.Text.Json.Nodes;
using Cria.Cli.Commands;
using Cria.Tokenization;
using Cria.Training.Data;

namespace Cria.Training.Recipes;

/// <summary>`cria-train sft`: supervised fine-tuning on dialogues; only the assistant's words are learnt.</summary>
static class SftRecipe
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "A .jsonl of {\"messages\",\"tools\"} in the shape of OpenAI's chat API", Required = true }.NotEmpty();
        var model = new Option<string>("--model") { Description = "The model to fine-tune", DefaultValueFactory = _ => ModelLocator.Default };
        var run = new RunOptions(rate: 1e-4);
        var command = new Command("sft", "Fine-tune a model on dialogues.") { data, model };
        run.AddTo(command);
        command.SetAction((r, cancellation) =>
        {
            var path = ModelLocator.Resolve(r.GetValue(model)!);
            var tokenizer = Tokenizer.Load(path);
            using var module = ModelDirectory.Load(path);
            var documents = FileDocuments.ReadChats(r.GetValue(data)!, tokenizer, run.Training(r).RowLength, (ulong)run.Seed(r));
            run.Train(r, "sft", module, documents.Train, documents.Validation, cancellation);
            ModelDirectory.Save(Path.Combine(run.Output(r), "model"), module, path, new JsonObject
            {
                ["bos_token_id"] = tokenizer.BosId,
                ["eos_token_id"] = new JsonArray(tokenizer.EndOfTextId, tokenizer.EomId, tokenizer.EotId),
            });
            return Task.FromResult(0);
        });
        return command;
    }
}
