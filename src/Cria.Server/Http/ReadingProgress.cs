namespace Cria.Server.Http;

/// <summary>How far the images of a request are read, for its stream to say. Thread-safe.</summary>
sealed class ReadingProgress : IProgress<double>
{
    double _part;

    /// <summary>The part that is read; null before the first of it and behind the last.</summary>
    public double? Part => Volatile.Read(ref _part) is > 0 and < 1 and var part ? part : null;

    public void Report(double value) => Volatile.Write(ref _part, value);
}
