using System.Diagnostics;
using Cria.Formats;
using Cria.Models;

namespace Cria.Benchmarks;

/// <summary>
/// `tower [recipe] [local blocks] [global blocks] [tiles] [dtype] [threads]`: the image encoder of Llama 3.2 Vision with random weights and next to no text model,
/// some of its blocks or all, beside the multiply-add rate of the machine in the same run.
/// </summary>
static class TowerBenchmark
{
    const int Repeats = 2;

    public static void Run(string[] arguments)
    {
        var recipe = arguments.ElementAtOrDefault(0) ?? "q8_0";
        var (local, global) = (int.Parse(arguments.ElementAtOrDefault(1) ?? "32"), int.Parse(arguments.ElementAtOrDefault(2) ?? "8"));
        var count = int.Parse(arguments.ElementAtOrDefault(3) ?? "4");
        var type = Enum.Parse<ComputeType>(arguments.ElementAtOrDefault(4) ?? "auto", ignoreCase: true);
        var threads = arguments.Length > 5 ? int.Parse(arguments[5]) : Environment.ProcessorCount;
        var (path, vision) = Write(local, global, recipe);
        using var model = TextModel.Load(path, new ModelOptions { Threads = threads, Compute = type });
        var peak = Probes.PeakGflops(threads);
        var tiles = VisionBenchmark.Picture(count, vision);
        for (var repeat = 0; repeat < Repeats; repeat++)
        {
            var start = Stopwatch.GetTimestamp();
            model.ReadImage(tiles).Dispose();
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var gflops = Teraflops(vision) * 1000 / seconds;
            Console.WriteLine($"{path}, {type}, {count} tiles: {seconds:f2} s, {gflops:f0} GFLOPS of the reference's, {gflops / peak:p0} of the float32 peak of {peak:f0}");
        }
    }

    /// <summary>The file of a model that is an encoder with so many blocks, and the shape of that.</summary>
    public static (string Path, VisionConfig Vision) Write(int local, int global, string recipe)
    {
        var full = RandomModel.Config("11b-vision");
        var vision = full.Vision! with { LocalLayerCount = local, GlobalLayerCount = global, IntermediateLayers = [.. full.Vision.IntermediateLayers.Where(layer => layer < local)] };
        var config = full with
        {
            HiddenSize = 256,
            LayerCount = 2,
            HeadCount = 2,
            KvHeadCount = 2,
            FeedForwardSize = 256,
            CrossAttentionLayers = [1],
            Vision = vision,
        };
        return (RandomModel.Kept($"tower-{local}-{global}", config, recipe), vision);
    }

    /// <summary>Multiplications and additions of the blocks for four tiles, which every image has in the reference (spec llama32-vision 9).</summary>
    public static double Teraflops(VisionConfig v)
    {
        var rows = 4.0 * ((v.TileTokens + 7) / 8 * 8);
        return v.LayerCount * (rows * 2 * (4.0 * v.Width * v.Width + 2.0 * v.Width * v.FeedForwardSize) + 4 * rows * rows * v.Width) / 1e12;
    }
}
