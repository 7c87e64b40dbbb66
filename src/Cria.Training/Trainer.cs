using System.Diagnostics;
using Cria.Training.Data;
using Cria.Training.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Cria.Training;

/// <summary>
/// The one training loop. A step is the mean loss over all labels of its micro-batches, clipped, then AdamW or Muon. Micro-batches are
/// worked on at once, each worker on a copy of the model. With the same threads a run that was stopped at a checkpoint and resumed
/// gives bit for bit the losses of one that was not.
/// </summary>
sealed class Trainer : IDisposable
{
    readonly TextModule _model;
    readonly TextModule[] _workers; // the model, then copies of it
    readonly Packer _train;
    readonly PackedRows[] _validation;
    readonly TrainingOptions _options;
    readonly TrainingRun _run;
    readonly AdamW _optimizer;
    readonly Muon? _muon;
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
        var byMuon = model.Weights.Where(w => options.Muon && w.Key.StartsWith("model.layers.", StringComparison.Ordinal) && w.Value.dim() > 1).ToDictionary();
        _optimizer = new AdamW(model.Weights.Where(w => !byMuon.ContainsKey(w.Key)).ToDictionary(), options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay);
        _muon = options.Muon ? new Muon(byMuon, options.Momentum, options.WeightDecay, options.Threads) : null;
        var workers = Math.Min(options.Threads, options.Accumulation);
        _workers = [model, .. Enumerable.Range(1, workers - 1).Select(_ => model.Copy())];
        set_num_threads(options.Threads / workers);
    }

    /// <summary>Steps done.</summary>
    public int StepCount => _optimizer.StepCount;

    /// <summary>Goes on from a checkpoint.</summary>
    /// <exception cref="CriaException">It is damaged or of another model.</exception>
    public void Resume(TrainingCheckpoint checkpoint)
    {
        checkpoint.Restore(State());
        _optimizer.StepCount = checkpoint.State.Step;
        CopyWeights();
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
        var labels = _validation.Sum(b => b.LabelCount);
        return Work(_validation, (model, batch) =>
        {
            using var _ = no_grad();
            return Loss(model, batch, labels);
        });
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _muon?.Dispose();
        foreach (var copy in _workers[1..])
            copy.Dispose();
    }

    /// <summary>Scales gradients to a joint L2 norm of at most <paramref name="maxNorm"/>; the norm before.</summary>
    internal static double ClipGradients(IReadOnlyCollection<Parameter> weights, double maxNorm)
    {
        using var scope = NewDisposeScope();
        var norm = Math.Sqrt(weights.Sum(w => w.grad!.square().sum().to(ScalarType.Float64).item<double>()));
        var scale = maxNorm / (norm + 1e-6);
        if (scale < 1)
            foreach (var weight in weights)
                weight.grad!.mul_(scale);
        return norm;
    }

    StepMetrics Step()
    {
        PackedRows[] batches = [.. Enumerable.Range(0, _options.Accumulation).Select(_ => _train.Next(_options.Rows))];
        var labels = batches.Sum(b => b.LabelCount);
        foreach (var worker in _workers)
            worker.zero_grad();
        var loss = Work(batches, (model, batch) => Loss(model, batch, labels, backward: true));
        foreach (var copy in _workers[1..])
            foreach (var (name, weight) in copy.Weights)
                _model.Weights[name].grad!.add_(weight.grad!);
        var norm = ClipGradients(_model.Weights.Values, _options.MaxNorm);
        if (!double.IsFinite(norm))
            throw new CriaException($"step {StepCount + 1}: the norm of the gradients is {norm}; lower the learning rate");
        var rate = _options.Rate(StepCount);
        _optimizer.Step(rate);
        _muon?.Step(rate);
        CopyWeights();
        _tokens += batches.Sum(b => b.TokenCount);
        return new StepMetrics(StepCount, loss, rate, norm, labels, batches.Sum(b => b.TokenCount) / (double)batches.Sum(b => b.Count));
    }

    /// <summary>The sum of the losses of all batches, batch i by worker i mod workers.</summary>
    double Work(PackedRows[] batches, Func<TextModule, PackedRows, double> loss)
    {
        var losses = new double[batches.Length];
        var others = Enumerable.Range(1, _workers.Length - 1).Select(worker => Task.Run(() => Part(worker))).ToArray();
        Part(0);
        Task.WhenAll(others).GetAwaiter().GetResult();
        return losses.Sum();

        void Part(int worker)
        {
            for (var i = worker; i < batches.Length; i += _workers.Length)
                losses[i] = loss(_workers[worker], batches[i]);
        }
    }

    /// <summary>The summed loss of a batch over <paramref name="labels"/>, and its gradients on request. The head sees only places with a label.</summary>
    static double Loss(TextModule model, PackedRows batch, int labels, bool backward = false)
    {
        using var scope = NewDisposeScope();
        var (places, targets) = batch.Targets();
        var hidden = model.Hidden(batch.Tokens(), batch.Positions(), batch.Mask()).flatten(0, 1).index_select(0, places);
        var loss = F.cross_entropy(model.Logits(hidden), targets, reduction: nn.Reduction.Sum) / labels;
        if (backward)
            loss.backward();
        return loss.item<float>();
    }

    /// <summary>Gives the copies the model's weights.</summary>
    void CopyWeights()
    {
        using var _ = no_grad();
        foreach (var copy in _workers[1..])
            copy.CopyFrom(_model);
    }

    /// <summary>All that a checkpoint keeps, by name.</summary>
    IEnumerable<(string Name, Tensor Tensor)> State() =>
        [.. _model.Weights.Select(w => (w.Key, (Tensor)w.Value)), .. _optimizer.State(), .. _muon?.State() ?? []];

    void Save() => TrainingCheckpoint.Save(_run.CheckpointPath(StepCount), State(), new TrainingState(StepCount, _tokens, _train.State));
}
