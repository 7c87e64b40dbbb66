using System.CommandLine;
using System.Text.Json.Nodes;
using Cria.Cli.Commands;
using Cria.Evaluation.Pocket;
using Cria.Formats;
using Cria.Tokenization;
using Cria.Training.Data;
using Cria.Training.Modules;
using static TorchSharp.torch;

namespace Cria.Training.Recipes;

/// <summary>
/// `cria-train pocket`: makes the embedded model from nothing. A vocabulary, pretraining on running text, fine-tuning on short
/// dialogues, then on long ones. Every stage leaves a model directory; a run that was stopped goes on where it stood.
/// </summary>
static class PocketRecipe
{
    const int VocabularySize = 3072, TokenizerTexts = 60_000;
    const ulong Seed = 1;

    static readonly TrainingOptions Pretraining = new() { Steps = 1000, RowLength = 128, Rows = 24, Accumulation = 2, Muon = true, PeakRate = 5e-3, WarmUp = 100, Floor = 0.5 };
    static readonly TrainingOptions FineTuning = Pretraining with { Steps = 1700, RowLength = 512, Rows = 6, PeakRate = 3e-3, WarmUp = 50, Floor = 0.01 };
    static readonly TrainingOptions LongDialogues = FineTuning with { Steps = 60, RowLength = 2048, Rows = 1, PeakRate = 1e-4, WarmUp = 10, Floor = 0.05, ValidateEvery = 30, ValidationBatches = 4 };

    public static Command Create()
    {
        var output = new Option<string>("--out") { Description = "The directory of the run", DefaultValueFactory = _ => "runs/pocket" }.NotEmpty();
        var threads = RunOptions.Threads().Bounded(1, 1024);
        var scale = new Option<double>("--scale") { Description = "Factor on the steps of every stage; 0 exports the untrained model", DefaultValueFactory = _ => 1.0 };
        var command = new Command("pocket", "Make the embedded model from nothing; a run that was stopped goes on.") { output, threads, scale };
        command.SetAction((r, cancellation) =>
        {
            Run(r.GetValue(output)!, r.GetValue(threads), r.GetValue(scale), cancellation);
            return Task.FromResult(0);
        });
        return command;
    }

    static void Run(string output, int threads, double scale, CancellationToken cancellation)
    {
        var vocabulary = Path.Combine(output, "tokenizer");
        if (!File.Exists(Path.Combine(vocabulary, "tokenizer.json")))
            LearnVocabulary(vocabulary);
        var tokenizer = Tokenizer.Load(vocabulary);
        var corpus = new PocketCorpus(tokenizer, Seed);

        random.manual_seed((long)Seed);
        using var model = new TextModule(Config(tokenizer));
        if (scale == 0)
        {
            ModelDirectory.Save(Path.Combine(output, "untrained"), model, vocabulary, Generation(tokenizer));
            return;
        }
        Stage("pretrain", Pretraining, corpus.Pretraining);
        Stage("sft", FineTuning, corpus.Dialogue);
        Stage("long", LongDialogues, corpus.LongDialogue);

        void Stage(string name, TrainingOptions options, Func<PocketSplit, long, int, TrainingDocument> document)
        {
            options = options with { Steps = (int)Math.Ceiling(options.Steps * scale), Threads = threads };
            var run = new TrainingRun(Path.Combine(output, name), name);
            using var trainer = new Trainer(model, i => document(PocketSplit.Train, i, options.RowLength), i => document(PocketSplit.Validation, i, options.RowLength), options, run);
            if (run.Last() is { } checkpoint)
                trainer.Resume(checkpoint);
            trainer.Run(cancellation);
            run.DrawLoss();
            ModelDirectory.Save(Path.Combine(output, name, "model"), model, vocabulary, Generation(tokenizer));
        }
    }

    static void LearnVocabulary(string path)
    {
        // Every number up to 199 is to be one token, as every number up to 999 is in Llama 3.
        var numbers = Enumerable.Repeat(string.Join(' ', Enumerable.Range(0, 200)), 200);
        var dialogues = Enumerable.Range(0, TokenizerTexts / 4).SelectMany(i => PocketCorpus.DialogueTexts(PocketSplit.Train, Seed, i));
        var texts = Enumerable.Range(0, TokenizerTexts).Select(i => PocketCorpus.Text(PocketSplit.Train, Seed, i));
        Directory.CreateDirectory(path);
        TokenizerTrainer.Write(path, TokenizerTrainer.Learn([.. texts, .. dialogues, .. numbers], VocabularySize - 256));
    }

    /// <summary>The shape of Llama 3.2, small: tied, grouped queries, RoPE scaled by 32.</summary>
    static ModelConfig Config(Tokenizer tokenizer) => new()
    {
        HiddenSize = 256,
        LayerCount = 5,
        HeadCount = 8,
        KvHeadCount = 4,
        HeadSize = 32,
        FeedForwardSize = 704,
        VocabularySize = tokenizer.VocabularySize,
        MaxPositions = 4096,
        NormEpsilon = 1e-5f,
        RopeTheta = 500000,
        RopeScaling = new RopeScaling(32, 1, 4, 8192),
        TiedEmbeddings = true,
        BosId = tokenizer.BosId,
        StopIds = StopIds(tokenizer),
    };

    static int[] StopIds(Tokenizer tokenizer) => [tokenizer.EndOfTextId, tokenizer.EomId, tokenizer.EotId];

    static JsonObject Generation(Tokenizer tokenizer) => new()
    {
        ["bos_token_id"] = tokenizer.BosId,
        ["do_sample"] = false,
        ["eos_token_id"] = new JsonArray([.. StopIds(tokenizer).Select(i => JsonValue.Create(i))]),
    };
}
