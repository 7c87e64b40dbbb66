using System.Diagnostics;
using Cria.Formats;
using Cria.Images;
using Cria.Kernels;
using Cria.Models;

namespace Cria.Benchmarks;

/// <summary>
/// `vision [size] [recipe] [threads] [layers] [files]`: a question of 32 tokens about one picture of four tiles and an answer of 32, at the shape of
/// Llama 3.2 11B Vision with random weights, beside the multiply-add rate and the read bandwidth of the machine in the same run. With fewer layers
/// 90B fits too; in several files the weights are mapped and used where they are.
/// </summary>
static class VisionBenchmark
{
    const int QuestionTokens = 32, AnswerTokens = 32;

    public static void Run(string[] arguments)
    {
        var (size, recipe) = (arguments.ElementAtOrDefault(0) ?? "11b-vision", arguments.ElementAtOrDefault(1) ?? "q4_k");
        var threads = arguments.Length > 2 ? int.Parse(arguments[2]) : Environment.ProcessorCount;
        var files = arguments.Length > 4 ? int.Parse(arguments[4]) : 1;
        var path = RandomModel.Kept(size, recipe, arguments.Length > 3 ? int.Parse(arguments[3]) : null, files);
        using var pool = new WorkerPool(threads);
        var (peak, bandwidth) = (Probes.PeakGflops(pool), Probes.ReadBandwidth(pool));
        Console.WriteLine($"{path}, {new FileInfo(path).Length / 1e9:f2} GB, {threads} threads; probe: {peak:f0} GFLOPS float32, {bandwidth:f1} GB/s read");

        var start = Stopwatch.GetTimestamp();
        using var model = TextModel.Load(path, new ModelOptions { Threads = threads, Weights = files > 1 ? WeightPlacement.Mapped : WeightPlacement.Repacked });
        Report("load", start);
        var vision = model.Config.Vision!;
        start = Stopwatch.GetTimestamp();
        var tiles = Picture(2 * vision.TileSize, vision);
        Report($"transform of {2 * vision.TileSize} x {2 * vision.TileSize}", start);

        start = Stopwatch.GetTimestamp();
        using var image = model.ReadImage(tiles);
        var seconds = Report("image", start);
        var teraflops = Teraflops(model.Config.HiddenSize, model.Config.KvHeadCount * model.Config.HeadSize, model.Config.CrossAttentionLayers.Count, vision);
        Console.WriteLine($"  {teraflops:f1} TFLOP as the reference computes it: {teraflops / seconds * 1000:f0} GFLOPS, {teraflops / seconds * 1000 / peak:p0} of the float32 peak");

        using var sequence = model.CreateSequence();
        sequence.Add(image);
        var logits = new float[model.Config.VocabularySize];
        start = Stopwatch.GetTimestamp();
        model.Forward([.. Enumerable.Range(0, QuestionTokens).Select(i => new Row(sequence, i, i == 0 ? model.Config.ImageTokenId!.Value : i, i == QuestionTokens - 1))], logits);
        seconds = Report($"question of {QuestionTokens} tokens", start);
        Console.WriteLine($"  {QuestionTokens / seconds:f1} tokens/s");
        start = Stopwatch.GetTimestamp();
        for (var i = 0; i < AnswerTokens; i++)
            model.Forward([new Row(sequence, sequence.Length, 1 + i, true)], logits);
        seconds = Report($"answer of {AnswerTokens} tokens", start);
        Console.WriteLine($"  {AnswerTokens / seconds:f2} tokens/s");
        Console.WriteLine($"peak resident memory {Process.GetCurrentProcess().PeakWorkingSet64 / 1e9:f2} GB");
    }

    static double Report(string what, long start)
    {
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine($"{what}: {seconds:f2} s");
        return seconds;
    }

    /// <summary>A square picture of noise.</summary>
    public static unsafe ImageTiles Picture(int side, VisionConfig config)
    {
        using var image = new RgbaImage(side, side);
        new Random(1).NextBytes(new Span<byte>(image.Pixels, side * side * sizeof(uint)));
        return new ImageTransform(config.TileSize, config.MaxTiles).Apply(image);
    }

    /// <summary>Multiplications and additions of four tiles in the encoder, the projector and the keys and values of cross-attention (spec llama32-vision 9).</summary>
    static double Teraflops(double width, double kvWidth, int crossLayers, VisionConfig v)
    {
        var (rows, tokens) = (4.0 * ((v.TileTokens + 7) / 8 * 8), 4.0 * v.TileTokens);
        var block = rows * 2 * (4.0 * v.Width * v.Width + 2.0 * v.Width * v.FeedForwardSize) + 4 * rows * rows * v.Width;
        return (block * v.LayerCount + tokens * 2 * (3.0 * v.PatchSize * v.PatchSize * v.Width + v.FeatureSize * width + 2 * crossLayers * width * kvWidth)) / 1e12;
    }
}
