using System.Globalization;

namespace Cria.Training;

/// <summary>The directory of a run: `metrics.jsonl`, `loss.png` and `checkpoint-STEP/`; and the progress line on standard error.</summary>
sealed class TrainingRun
{
    readonly string _path;
    readonly string _name;
    DateTime _shown;

    /// <summary>A run in a directory, which is made if it is not there.</summary>
    public TrainingRun(string path, string name)
    {
        (_path, _name) = (path, name);
        Directory.CreateDirectory(path);
        Metrics = new MetricsLog(Path.Combine(path, "metrics.jsonl"));
    }

    public MetricsLog Metrics { get; }

    public string CheckpointPath(int step) => Path.Combine(_path, $"checkpoint-{step.ToString("D6", CultureInfo.InvariantCulture)}");

    /// <summary>The newest complete checkpoint, or null.</summary>
    public TrainingCheckpoint? Last() => Checkpoints(_path).LastOrDefault() is { } path ? new TrainingCheckpoint(path) : null;

    /// <summary>The complete checkpoints in a directory, the oldest first.</summary>
    public static IEnumerable<string> Checkpoints(string path) =>
        Directory.EnumerateDirectories(path, "checkpoint-*").Where(d => Path.GetExtension(d) is not (".part" or ".old")).Order(StringComparer.Ordinal).ToList();

    /// <summary>Says how far a run is, at most every five seconds and at the end.</summary>
    public void Progress(int step, int steps, double loss, double tokensPerSecond, TimeSpan remaining)
    {
        if (step < steps && DateTime.UtcNow - _shown < TimeSpan.FromSeconds(5))
            return;
        _shown = DateTime.UtcNow;
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{_name} {step}/{steps}  loss {loss:F3}  {tokensPerSecond:F0} tokens/s  {(int)remaining.TotalMinutes}:{remaining.Seconds:D2} left"));
    }

    /// <summary>Draws the loss curve of the metrics so far.</summary>
    public void DrawLoss() => LossCurve.Draw(Metrics.ReadAll(), Path.Combine(_path, "loss.png"));
}
