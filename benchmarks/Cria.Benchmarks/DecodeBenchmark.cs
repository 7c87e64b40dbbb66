using System.Diagnostics;
using Cria.Formats;
using Cria.Kernels;
using Cria.Models;

namespace Cria.Benchmarks;

/// <summary>
/// `decode [threads] [layers]`: decode and prefill at the shape of Llama 3.2 1B in BF16 with random weights, beside the read
/// bandwidth and the multiply-add rate of the machine, measured before and after in the same run.
/// </summary>
static class DecodeBenchmark
{
    const int PromptRows = 128, DecodeTokens = 24, Repetitions = 3;

    public static void Run(string[] args)
    {
        var threads = args.Length > 0 ? int.Parse(args[0]) : Environment.ProcessorCount;
        var layers = args.Length > 1 ? int.Parse(args[1]) : 16;
        using var pool = new WorkerPool(threads);
        var path = RandomModel.Kept("1b", "bf16", layers);
        var config = RandomModel.Config("1b", layers);
        var weights = TensorRoles.All(config).Select(t => TensorRoles.Shape(t.Role, config)).Where(shape => shape.Length > 1).Sum(shape => shape[0] * shape[1]);
        var (weightBytes, blockFlops) = (2 * weights, 2.0 * (weights - (long)config.VocabularySize * config.HiddenSize)); // of a token, in the blocks without attention
        Console.WriteLine($"{threads} threads, {layers} layers, {weightBytes / 1e9:f2} GB of BF16 weights, {KernelSet.Best.Bits}-bit vectors");
        var peak = Probes.PeakGflops(pool);
        var before = Probes.ReadBandwidth(pool);
        Console.WriteLine($"probe before: {before:f1} GB/s read, {peak:f0} GFLOPS float32");

        double decode = 0;
        using (var model = TextModel.Load(path, new ModelOptions { Threads = threads }))
        {
            var logits = new float[model.Config.VocabularySize];
            for (var repetition = 0; repetition <= Repetitions; repetition++)
            {
                using var sequence = model.CreateSequence();
                Row[] prompt = [.. Enumerable.Range(0, PromptRows).Select(i => new Row(sequence, i, i, false))];
                var start = Stopwatch.GetTimestamp();
                model.Forward(prompt, []);
                var prefillSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                var steps = new double[DecodeTokens];
                for (var i = 0; i < DecodeTokens; i++)
                {
                    start = Stopwatch.GetTimestamp();
                    model.Forward([new Row(sequence, sequence.Length, 1, true)], logits);
                    steps[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
                }
                Array.Sort(steps);
                if (repetition == 0)
                    continue; // brings the weights into memory
                var gflops = PromptRows * blockFlops / prefillSeconds / 1e9;
                var (best, median) = (weightBytes / steps[0] / 1e9, weightBytes / steps[DecodeTokens / 2] / 1e9);
                decode = Math.Max(decode, median);
                Console.WriteLine($"prefill of {PromptRows}: {PromptRows / prefillSeconds:f1} tokens/s, {gflops:f0} GFLOPS ({gflops / peak:p0} of peak); "
                    + $"decode: median {1 / steps[DecodeTokens / 2]:f2} tokens/s, {median:f1} GB/s, best {best:f1} GB/s");
            }
        }
        var after = Probes.ReadBandwidth(pool);
        Console.WriteLine($"probe after: {after:f1} GB/s read");
        Console.WriteLine($"decode / read bandwidth: {decode / Math.Max(before, after):f2} (asked: 0.50)");
    }
}
