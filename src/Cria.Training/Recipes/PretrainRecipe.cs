using System.CommandLine;
using System.Text.Json.Nodes;
using Cria.Cli.Commands;
using Cria.Formats;
using Cria.Tokenization;
using Cria.Training.Data;
using Cria.Training.Modules;
using static TorchSharp.torch;

namespace Cria.Training.Recipes;

/// <summary>`cria-train pretrain`: a base model from running text, new or going on from one.</summary>
static class PretrainRecipe
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "A text file (documents parted by two empty lines) or a .jsonl of {\"text\"}", Required = true }.NotEmpty();
        var model = new Option<string?>("--model") { Description = "A model to go on from; without one a new model is made with the shape below" };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "Where a new model's vocabulary is (default: the embedded model's)" };
        var hidden = Shape("--hidden", 256);
        var layers = Shape("--layers", 4);
        var heads = Shape("--heads", 4);
        var kvHeads = Shape("--kv-heads", 2);
        var headSize = Shape("--head-size", 64);
        var feedForward = Shape("--feed-forward", 704);
        var run = new RunOptions(rate: 1e-3);
        var command = new Command("pretrain", "Train a base model on text.") { data, model, tokenizer, hidden, layers, heads, kvHeads, headSize, feedForward };
        run.AddTo(command);
        command.SetAction((r, cancellation) =>
        {
            random.manual_seed(run.Seed(r));
            if (r.GetValue(heads) % r.GetValue(kvHeads) != 0 || r.GetValue(headSize) % 2 != 0)
                throw new CriaException($"--kv-heads {r.GetValue(kvHeads)} must divide --heads {r.GetValue(heads)}, and --head-size {r.GetValue(headSize)} must be even");
            var vocabulary = ModelLocator.Resolve(r.GetValue(model) ?? r.GetValue(tokenizer) ?? ModelLocator.Default);
            var tokens = Tokenizer.Load(vocabulary);
            using var module = r.GetValue(model) is not null ? ModelDirectory.Load(vocabulary) : new TextModule(new ModelConfig
            {
                HiddenSize = r.GetValue(hidden),
                LayerCount = r.GetValue(layers),
                HeadCount = r.GetValue(heads),
                KvHeadCount = r.GetValue(kvHeads),
                HeadSize = r.GetValue(headSize),
                FeedForwardSize = r.GetValue(feedForward),
                VocabularySize = tokens.VocabularySize,
                MaxPositions = 131072,
                NormEpsilon = 1e-5f,
                RopeTheta = 500000,
                RopeScaling = new RopeScaling(32, 1, 4, 8192),
                TiedEmbeddings = true,
                BosId = tokens.BosId,
                StopIds = [tokens.EndOfTextId],
            });
            var documents = FileDocuments.ReadText(r.GetValue(data)!, tokens, run.Training(r).RowLength, (ulong)run.Seed(r));
            run.Train(r, "pretrain", module, documents.Train, documents.Validation, cancellation);
            ModelDirectory.Save(Path.Combine(run.Output(r), "model"), module, vocabulary, new JsonObject { ["bos_token_id"] = tokens.BosId, ["eos_token_id"] = tokens.EndOfTextId });
            return Task.FromResult(0);
        });
        return command;
    }

    static Option<int> Shape(string name, int value) =>
        new Option<int>(name) { Description = "Shape of a new model", DefaultValueFactory = _ => value }.Bounded(1, 1 << 20);
}
