using System.Diagnostics;
using System.Globalization;
using Cria.Benchmarks;
using Cria.Models;
using TorchSharp;

// The vision encoder of Llama 3.2 beside the same blocks in libtorch, in one run: `[local blocks] [global blocks] [threads] [repeats]`, 32 and 8 of them unless
// told otherwise, four tiles. Both have BF16 weights. libtorch computes in BF16; Cria in BF16 and in its default arithmetic, with its emitted kernels and without,
// each in a process of its own. Operations are counted as the reference computes them, with all padding.
const string Own = "--own";
if (args is [Own, var model, var arithmetic, var count])
{
    using var own = TextModel.Load(model, new ModelOptions { Threads = int.Parse(count), Compute = Enum.Parse<ComputeType>(arithmetic) });
    var picture = VisionBenchmark.Picture(4, own.Config.Vision!);
    Console.WriteLine(Seconds(() => own.ReadImage(picture).Dispose()).ToString("r", CultureInfo.InvariantCulture));
    return;
}

var local = args.Length > 0 ? int.Parse(args[0]) : 32;
var global = args.Length > 1 ? int.Parse(args[1]) : 8;
var threads = args.Length > 2 ? int.Parse(args[2]) : Environment.ProcessorCount;
var repeats = args.Length > 3 ? int.Parse(args[3]) : 1;
torch.set_num_threads(threads);

var (path, vision) = TowerBenchmark.Write(local, global, "bf16");
var rows = 4 * ((vision.TileTokens + 7) / 8 * 8);
var peak = Probes.PeakGflops(threads);
Console.WriteLine($"{local} local and {global} global blocks, four tiles ({rows} rows), {threads} threads, float32 peak {peak:f0} GFLOPS");

using var tower = new TorchTower(local + global, vision.Width, vision.HeadCount, vision.FeedForwardSize);
var libtorch = Median(() => Seconds(() => tower.Run(rows)));
Report("libtorch BF16", libtorch);
foreach (var (compute, emitted) in ((ComputeType, bool)[])[(ComputeType.BF16, true), (ComputeType.Auto, true), (ComputeType.Auto, false)])
    Report($"Cria {compute}, {(emitted ? "with" : "without")} emitted kernels", Median(() => Run(compute, emitted)));

double Run(ComputeType compute, bool emitted)
{
    var start = new ProcessStartInfo(Environment.ProcessPath!, [Own, path, $"{compute}", $"{threads}"]) { RedirectStandardOutput = true };
    start.Environment["CRIA_EMITTED"] = emitted ? "1" : "0";
    using var process = Process.Start(start)!;
    return double.Parse(process.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture);
}

void Report(string what, double seconds)
{
    var rate = TowerBenchmark.Teraflops(vision) * 1000 / seconds;
    Console.WriteLine($"{what}: {seconds:f2} s, {libtorch / seconds:f2}x libtorch, {rate:f0} GFLOPS, {rate / peak:p0} of the float32 peak");
}

double Median(Func<double> measure) => Enumerable.Range(0, repeats).Select(_ => measure()).Order().ElementAt(repeats / 2);

static double Seconds(Action work)
{
    var start = Stopwatch.GetTimestamp();
    work();
    return Stopwatch.GetElapsedTime(start).TotalSeconds;
}
