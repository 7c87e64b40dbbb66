using System.Diagnostics;
using Cria.Training.Data;
using Cria.Training.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Cria.Training;

/// <summary>
/// The one training loop. A step is the mean loss over all labels of its micro-batches, clipped, then AdamW. With the same threads a
/// run that was stopped at a checkpoint and resumed gives bit for bit the losses of one that was not.
/// </summary>
sealed class Trainer : IDisposable
{
    readonly TextModule _model;
    readonly Packer _train;
    readonly PackedRows[] _validation;
    readonly TrainingOptions _options;
    readonly TrainingRun _run;
    readonly AdamW _optimizer;
    long _tokens;

    /// <param name="model">The model that is trained.</param>
    /// <param name="train">The document at an index.</param>
    /// <param name="validation">Validation documents; the first few batches of them are used every time.</param>
    /// <param name="options">How to train.</param>
    /// <param name="run">Where metrics and checkpoints go.</param>
    public Trainer(TextModule model, Func<long, TrainingDocument> train, Func<long, TrainingDocument> validation, TrainingOptions options, TrainingRun run)
    {
        (_model, _options, _run) = (model, options, run);
        _train = new Packer(train, options.RowLength);
        var packer = new Packer(validation, options.RowLength);
        _validation = [.. Enumerable.Range(0, options.ValidateEvery > 0 ? options.ValidationBatches : 0).Select(_ => packer.Next(options.Rows))];
        _optimizer = new AdamW(model.Weights, options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay);
    }

    /// <summary>Steps done.</summary>
    public int StepCount => _optimizer.StepCount;

    /// <summary>Goes on from a checkpoint.</summary>
    /// <exception cref="CriaException">It is damaged or of another model.</exception>
    public void Resume(TrainingCheckpoint checkpoint)
    {
        checkpoint.Restore(_model, _optimizer);
        _train.State = checkpoint.State.Packer;
        _tokens = checkpoint.State.Tokens;
        _run.Metrics.Cut(StepCount);
    }

    /// <summary>Trains to the last step; a cancelled run leaves a checkpoint of the step it stands at.</summary>
    public void Run(CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var (firstTokens, firstStep) = (_tokens, StepCount);
        while (StepCount < _options.Steps)
        {
            if (cancellation.IsCancellationRequested)
            {
                Save();
                cancellation.ThrowIfCancellationRequested();
            }
            var before = clock.Elapsed;
            var step = Step();
            var seconds = (clock.Elapsed - before).TotalSeconds;
            var remaining = clock.Elapsed / (StepCount - firstStep) * (_options.Steps - StepCount);
            _run.Metrics.Add(step with { Tokens = _tokens, Seconds = seconds });
            if (_options.ValidateEvery > 0 && (StepCount % _options.ValidateEvery == 0 || StepCount == _options.Steps))
                _run.Metrics.Add(new ValidationMetrics(StepCount, Validate()));
            _run.Progress(StepCount, _options.Steps, step.Loss, (_tokens - firstTokens) / clock.Elapsed.TotalSeconds, remaining);
            if (_options.CheckpointEvery > 0 && (StepCount % _options.CheckpointEvery == 0 || StepCount == _options.Steps))
                Save();
        }
    }

    /// <summary>The mean loss over all labels of the validation batches.</summary>
    public double Validate()
    {
        using var _ = no_grad();
        return _validation.Sum(batch => Loss(batch, 1).Loss) / _validation.Sum(b => b.LabelCount);
    }

    public void Dispose() => _optimizer.Dispose();

    StepMetrics Step()
    {
        PackedRows[] batches = [.. Enumerable.Range(0, _options.Accumulation).Select(_ => _train.Next(_options.Rows))];
        var labels = batches.Sum(b => b.LabelCount);
        _model.zero_grad();
        var loss = 0.0;
        foreach (var batch in batches)
            loss += Loss(batch, labels, backward: true).Loss;
        using var scope = NewDisposeScope();
        var norm = _optimizer.Clip(_options.MaxNorm);
        if (!double.IsFinite(norm))
            throw new CriaException($"step {StepCount + 1}: the norm of the gradients is {norm}; lower the learning rate");
        var rate = _options.Rate(StepCount);
        _optimizer.Step(rate);
        _tokens += batches.Sum(b => b.TokenCount);
        return new StepMetrics(StepCount, loss, rate, norm, labels, batches.Sum(b => b.TokenCount) / (double)batches.Sum(b => b.Count));
    }

    /// <summary>The summed loss of a batch over <paramref name="labels"/>, and its gradients on request. The head sees only places with a label.</summary>
    (double Loss, int Labels) Loss(PackedRows batch, int labels, bool backward = false)
    {
        using var scope = NewDisposeScope();
        var (places, targets) = batch.Targets();
        var hidden = _model.Hidden(batch.Tokens(), batch.Positions(), batch.Mask()).flatten(0, 1).index_select(0, places);
        var loss = F.cross_entropy(_model.Logits(hidden), targets, reduction: nn.Reduction.Sum) / labels;
        if (backward)
            loss.backward();
        return (loss.item<float>(), batch.LabelCount);
    }

    void Save() => TrainingCheckpoint.Save(_run.CheckpointPath(StepCount), _model, _optimizer, new TrainingState(StepCount, _tokens, _train.State));
}
