using System.Diagnostics;
using System.Runtime.InteropServices;
using Cria.Kernels;
using Cria.Kernels.Panels;
using Cria.Tensors;

namespace Cria.Benchmarks;

/// <summary>
/// The matrix products of Llama 3.2 1B in ggml's block types, without the rest of the model: one row (decode, all matrices cold, the
/// output matrix included) against the read bandwidth probed beside it, and many rows (prefill, without the output matrix) in
/// operations and tokens per second. Weights are random.
/// </summary>
static unsafe class PanelBenchmark
{
    const int Hidden = 2048, FeedForward = 8192, Vocabulary = 128256;

    static readonly (int Outputs, int Columns)[] Layer = [(3072, Hidden), (Hidden, Hidden), (2 * FeedForward, Hidden), (Hidden, FeedForward)];

    public static void Run(string[] args)
    {
        var layers = int.Parse(args[0]);
        var types = args.Length > 1 ? args[1..].Select(Enum.Parse<ElementType>) : [ElementType.Q4_0, ElementType.Q8_0, ElementType.Q4_K, ElementType.Q6_K];
        var kernels = PanelKernels.All[int.Parse(Environment.GetEnvironmentVariable("CRIA_BENCH_KERNELS") ?? "0")];
        using var compute = new Compute(KernelSet.Best, null, false);
        Console.WriteLine($"{kernels}, {compute.Pool.Threads} threads, {layers} layers; probe {Probes.ReadBandwidth(compute.Pool):f1} GB/s");
        foreach (var type in types)
            Run(type, layers, kernels, compute);
    }

    static void Run(ElementType type, int layers, PanelKernels kernels, Compute compute)
    {
        var format = PanelFormat.Of(type);
        var source = (byte*)NativeMemory.Alloc((nuint)type.Bytes((long)Vocabulary * Hidden));
        RandomModel.Fill(new Span<byte>(source, (int)type.Bytes((long)Vocabulary * Hidden)), type);
        PanelMatrix Create(int outputs, int columns) => new(format, kernels, source, type.Bytes(columns), outputs, columns, compute, repack: true, type.Name());

        var start = Stopwatch.GetTimestamp();
        List<(PanelMatrix Matrix, int Outputs, int Columns)> matrices = [.. Enumerable.Range(0, layers)
            .SelectMany(_ => Layer.Select(s => (Create(s.Outputs, s.Columns), s.Outputs, s.Columns)))];
        var head = Create(Vocabulary, Hidden);
        var packing = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var bytes = matrices.Sum(m => m.Matrix.Bytes) + head.Bytes;
        Console.WriteLine($"{type}: {bytes / 1e6:f0} MB in panels, packed in {packing:f2} s");

        using NativeBuffer x = new(), y = new();
        const int most = 512;
        new Span<float>(x.Reserve(most * FeedForward), most * FeedForward).Fill(1);
        y.Reserve((long)most * 2 * FeedForward);
        void Blocks(int rows)
        {
            foreach (var (matrix, outputs, columns) in matrices)
                matrix.Multiply(x.Reserve(rows, columns), y.Reserve(rows, outputs));
        }

        var decode = Time(20, () =>
        {
            Blocks(1);
            head.Multiply(x.Reserve(1, Hidden), y.Reserve(1, Vocabulary));
        });
        var probe = Probes.ReadBandwidth(compute.Pool, 3);
        Console.WriteLine($"  1 row: {1 / decode.Median:f1} tokens/s, {bytes / decode.Median / 1e9:f1} GB/s, best {bytes / decode.Best / 1e9:f1}; "
            + $"probe {probe:f1}: {bytes / decode.Median / 1e9 / probe:p0}");
        var operations = matrices.Sum(m => 2.0 * m.Outputs * m.Columns);
        foreach (var rows in new[] { 2, 4, 8, 128, 512 })
        {
            var time = Time(rows < 100 ? 10 : 3, () => Blocks(rows));
            Console.WriteLine($"  {rows} rows: {rows / time.Median * layers / 16:f0} tokens/s of 16 layers, {operations * rows / time.Median / 1e9:f0} GOPS, best {operations * rows / time.Best / 1e9:f0}");
        }
        foreach (var (matrix, _, _) in matrices)
            matrix.Dispose();
        head.Dispose();
        NativeMemory.Free(source);
    }

    static (double Best, double Median) Time(int repetitions, Action body)
    {
        body();
        var times = new double[repetitions];
        for (var i = 0; i < repetitions; i++)
        {
            var start = Stopwatch.GetTimestamp();
            body();
            times[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        Array.Sort(times);
        return (times[0], times[repetitions / 2]);
    }
}
