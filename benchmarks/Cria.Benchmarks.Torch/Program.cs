using System.Diagnostics;
using Cria.Benchmarks;
using Cria.Models;
using TorchSharp;

// The vision encoder of Llama 3.2 beside the same blocks in libtorch, in one run: `[local blocks] [global blocks] [threads]`. Both have BF16
// weights; libtorch computes in BF16, Cria with float32 activations and, as the last column, rounding them to BF16 as libtorch does.
const int Repeats = 3;
var local = args.Length > 0 ? int.Parse(args[0]) : 4;
var global = args.Length > 1 ? int.Parse(args[1]) : 1;
var threads = args.Length > 2 ? int.Parse(args[2]) : Environment.ProcessorCount;
torch.set_num_threads(threads);

var (path, vision) = TowerBenchmark.Write(local, global, "bf16");
var tiles = VisionBenchmark.Picture(4, vision);
var rows = 4 * ((vision.TileTokens + 7) / 8 * 8);
Console.WriteLine($"{local} local and {global} global blocks, four tiles ({rows} rows), {threads} threads");

using var tower = new TorchTower(local + global, vision.Width, vision.HeadCount, vision.FeedForwardSize);
using var exact = TextModel.Load(path, new ModelOptions { Threads = threads });
using var rounded = TextModel.Load(path, new ModelOptions { Threads = threads, Compute = ComputeType.BF16 });
var (peer, floats, halves) = (new List<double>(), new List<double>(), new List<double>());
for (var repeat = 0; repeat <= Repeats; repeat++)
{
    Add(peer, () => tower.Run(rows));
    Add(floats, () => exact.ReadImage(tiles).Dispose());
    Add(halves, () => rounded.ReadImage(tiles).Dispose());

    void Add(List<double> times, Action work)
    {
        var start = Stopwatch.GetTimestamp();
        work();
        if (repeat > 0)
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
    }
}
Console.WriteLine($"libtorch BF16 {Median(peer):f2} s; Cria float32 {Median(floats):f2} s ({Median(peer) / Median(floats):f2}x), BF16 {Median(halves):f2} s ({Median(peer) / Median(halves):f2}x)");

static double Median(List<double> times) => times.Order().ElementAt(times.Count / 2);
