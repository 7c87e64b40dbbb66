using System.Diagnostics;
using Cria.Formats;
using Cria.Images;
using Cria.Kernels;
using Cria.Models;

namespace Cria.Benchmarks;

/// <summary>
/// `vision [size] [recipe] [threads] [layers] [files] [tiles,...]`: a question of 32 tokens about a picture of so many tiles, each count in turn, and an answer
/// of 32, at the shape of Llama 3.2 11B Vision with random weights, beside the multiply-add rate and the read bandwidth of the machine in the same run. With
/// fewer layers 90B fits too; in several files the weights are mapped and used where they are.
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
        foreach (var tiles in (arguments.ElementAtOrDefault(5) ?? "4").Split(',').Select(int.Parse))
            Ask(model, tiles, peak);
        Console.WriteLine($"peak resident memory {Process.GetCurrentProcess().PeakWorkingSet64 / 1e9:f2} GB");
    }

    static void Ask(TextModel model, int count, double peak)
    {
        var vision = model.Config.Vision!;
        var start = Stopwatch.GetTimestamp();
        var tiles = Picture(count, vision);
        Report($"transform to {count} tiles", start);

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
    }

    static double Report(string what, long start)
    {
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine($"{what}: {seconds:f2} s");
        return seconds;
    }

    /// <summary>A picture of noise that takes 1, 2 or 4 tiles.</summary>
    public static unsafe ImageTiles Picture(int tiles, VisionConfig config)
    {
        using var image = new RgbaImage(config.TileSize * (tiles > 1 ? 2 : 1), config.TileSize * (tiles > 2 ? 2 : 1));
        new Random(1).NextBytes(new Span<byte>(image.Pixels, image.Width * image.Height * sizeof(uint)));
        return new ImageTransform(config.TileSize, config.MaxTiles).Apply(image);
    }

    /// <summary>Multiplications and additions of four tiles in the encoder, the projector and the keys and values of cross-attention (spec llama32-vision 9).</summary>
    static double Teraflops(double width, double kvWidth, int crossLayers, VisionConfig v)
    {
        var tokens = 4.0 * v.TileTokens;
        return TowerBenchmark.Teraflops(v) + tokens * 2 * (3.0 * v.PatchSize * v.PatchSize * v.Width + v.FeatureSize * width + 2 * crossLayers * width * kvWidth) / 1e12;
    }
}
