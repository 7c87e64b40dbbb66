using System.CommandLine;
using Cria.Cli.Commands;

namespace Cria.Training.Recipes;

/// <summary>The options that the recipes share.</summary>
sealed class RunOptions
{
    readonly Option<string> _output = new("--out") { Description = "The directory of the run: checkpoints, metrics.jsonl, loss.png, and the model", Required = true };
    readonly Option<bool> _resume = new("--resume") { Description = "Go on from the newest checkpoint in --out" };
    readonly Option<int> _threads = Threads();
    readonly Option<int> _steps = new("--steps") { Description = "Optimizer steps", DefaultValueFactory = _ => 1000 };
    readonly Option<int> _rowLength = new("--row-length") { Description = "Tokens a row", DefaultValueFactory = _ => 512 };
    readonly Option<int> _rows = new("--rows") { Description = "Rows a micro-batch", DefaultValueFactory = _ => 4 };
    readonly Option<int> _accumulation = new("--accumulate") { Description = "Micro-batches a step", DefaultValueFactory = _ => 1 };
    readonly Option<double> _rate;
    readonly Option<int> _warmUp = new("--warm-up") { Description = "Steps of linear warm-up", DefaultValueFactory = _ => 50 };
    readonly Option<double> _decay = new("--weight-decay") { Description = "Decoupled weight decay of the matrices", DefaultValueFactory = _ => 0.1 };
    readonly Option<int> _seed = new("--seed") { Description = "Orders the documents and draws new weights", DefaultValueFactory = _ => 1 };
    readonly Option<int> _checkpointEvery = new("--checkpoint-every") { Description = "Steps between checkpoints; 0 = none", DefaultValueFactory = _ => 200 };
    readonly Option<int> _validateEvery = new("--validate-every") { Description = "Steps between validations; 0 = none", DefaultValueFactory = _ => 100 };

    public RunOptions(double rate) => _rate = new("--rate") { Description = "Peak learning rate", DefaultValueFactory = _ => rate };

    public static Option<int> Threads() => new("--threads") { Description = "Threads; 1 where other programs run", DefaultValueFactory = _ => Environment.ProcessorCount };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_output, _resume, _threads, _steps, _rowLength, _rows, _accumulation, _rate, _warmUp, _decay, _seed, _checkpointEvery, _validateEvery])
            command.Add(option);
        foreach (var option in (Option<int>[])[_threads, _steps, _rowLength, _rows, _accumulation])
            option.Bounded(1, int.MaxValue);
        foreach (var option in (Option<int>[])[_warmUp, _checkpointEvery, _validateEvery])
            option.Bounded(0, int.MaxValue);
        _output.NotEmpty();
    }

    public int Seed(ParseResult r) => r.GetValue(_seed);

    public string Output(ParseResult r) => r.GetValue(_output)!;

    public TrainingOptions Training(ParseResult r) => new()
    {
        Steps = r.GetValue(_steps),
        RowLength = r.GetValue(_rowLength),
        Rows = r.GetValue(_rows),
        Accumulation = r.GetValue(_accumulation),
        Threads = r.GetValue(_threads),
        PeakRate = r.GetValue(_rate),
        WarmUp = r.GetValue(_warmUp),
        WeightDecay = r.GetValue(_decay),
        CheckpointEvery = r.GetValue(_checkpointEvery),
        ValidateEvery = r.GetValue(_validateEvery),
    };

    /// <summary>Trains a model in the run's directory, from the newest checkpoint if that is asked for, and draws the loss.</summary>
    /// <exception cref="CriaException">There are checkpoints and --resume is not given, or none and it is.</exception>
    public void Train(ParseResult r, string name, Modules.TextModule model, Func<long, Data.TrainingDocument> train, Func<long, Data.TrainingDocument> validation, CancellationToken cancellation)
    {
        var run = new TrainingRun(Output(r), name);
        var last = run.Last();
        if (last is not null != r.GetValue(_resume))
            throw new CriaException($"{Output(r)}: {(last is null ? "no checkpoint to resume from" : "holds checkpoints; give --resume or another --out")}");
        using var trainer = new Trainer(model, train, validation, Training(r), run);
        if (last is not null)
            trainer.Resume(last);
        trainer.Run(cancellation);
        run.DrawLoss();
    }
}
