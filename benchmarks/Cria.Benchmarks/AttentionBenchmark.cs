using System.Diagnostics;
using System.Runtime.InteropServices;
using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Benchmarks;

/// <summary>
/// `attention [depth] [threads] [type]`: attention of one layer of the 1B shape (32 query heads of 64 on 8 kv heads) on a cache of a number of
/// positions, for every cache type and where all is rounded to BF16, or one of these: one row on caches that take turns and are cold (a token's 16 layers), and 256 rows at the end of it,
/// beside the read bandwidth and the multiply-add rate of the machine.
/// </summary>
static unsafe class AttentionBenchmark
{
    const int Heads = 32, KvHeads = 8, HeadSize = 64, Layers = 16, Group = Heads / KvHeads, PrefillRows = 256, RunRows = 64;

    public static void Run(string[] args)
    {
        var depth = args.Length > 0 ? Math.Max(PrefillRows, int.Parse(args[0])) : 8192;
        using var pool = new WorkerPool(args.Length > 1 ? int.Parse(args[1]) : null);
        var (bandwidth, peak) = (Probes.ReadBandwidth(pool), Probes.PeakGflops(pool));
        Console.WriteLine($"{pool.Threads} threads, {depth} positions; probe {bandwidth:f1} GB/s read, {peak:f0} GFLOPS float32");
        foreach (var type in new ElementType?[] { null, ElementType.F16, ElementType.BF16, ElementType.F32 })
        {
            var name = type?.ToString() ?? "Q8_0";
            if (args.Length < 3 || name == args[2])
                Measure(KernelSet.Best.CreateKvFormat(type, HeadSize), name, depth, pool, bandwidth, peak);
        }
        if (args.Length < 3 || args[2] == "rounded")
            Measure(KernelSet.Best.CreateRoundedKvFormat(HeadSize), "rounded", depth, pool, bandwidth, peak);
    }

    static void Measure(KvFormat format, string name, int depth, WorkerPool pool, double bandwidth, double peak)
    {
        var (block, blocks) = (format.KeyBytes + format.ValueBytes, (depth + KvFormat.BlockPositions - 1) / KvFormat.BlockPositions);
        var layerBytes = (long)blocks * KvHeads * block;
        var layers = (int)Math.Max(2, Math.Min(Layers, (1L << 30) / layerBytes));
        // As in the cache: a page has all layers and heads of 64 positions.
        var pages = new nint[blocks];
        for (var i = 0; i < blocks; i++)
        {
            pages[i] = (nint)NativeMemory.AlignedAlloc((nuint)(layers * KvHeads * block), 64);
            NativeMemory.Fill((void*)pages[i], (nuint)(layers * KvHeads * block), 0x11);
        }
        using NativeBuffer queries = new(), output = new(), scratch = new(), partials = new();
        var (q, o) = (queries.Reserve(PrefillRows, Heads * HeadSize), output.Reserve(PrefillRows, Heads * HeadSize));
        new Span<float>(q.Data, (int)q.Count).Fill(0.1f);
        var size = format.ScratchFloats(RunRows * Group);
        var memory = scratch.Reserve((long)size * pool.Threads);
        var spans = (depth + KvFormat.SpanPositions - 1) / KvFormat.SpanPositions;
        var partial = partials.Reserve((long)KvHeads * spans * format.PartialFloats(Group));

        AttentionTask Kernel(int layer, int head, int first, int rows, int position, int firstSpan, int endSpan) => new()
        {
            Queries = q[first] + head * Group * HeadSize,
            Output = o[first] + head * Group * HeadSize,
            Stride = q.Columns,
            Rows = rows,
            Group = Group,
            Parts = [new AttentionPart(pages, position, Step: 1)],
            KeyOffset = ((nint)layer * KvHeads + head) * block,
            ValueOffset = ((nint)layer * KvHeads + head) * block + format.KeyBytes,
            FirstSpan = firstSpan,
            EndSpan = endSpan,
            Partials = endSpan - firstSpan == spans && firstSpan == 0 ? null : partial + ((nint)head * spans + firstSpan) * format.PartialFloats(Group),
        };

        void Decode(int layer)
        {
            var ranges = Math.Min(spans, (8 * pool.Threads + KvHeads - 1) / KvHeads);
            pool.Run(KvHeads * ranges, (i, thread) => format.Attend(
                Kernel(layer, i % KvHeads, 0, 1, depth - 1, i / KvHeads * spans / ranges, (i / KvHeads + 1) * spans / ranges), memory + thread * (nint)size));
            if (ranges > 1)
                pool.Run(KvHeads, (head, thread) =>
                {
                    var task = Kernel(layer, head, 0, 1, depth - 1, 0, spans);
                    task.Partials = partial + (nint)head * spans * format.PartialFloats(Group);
                    format.Merge(task, memory + thread * (nint)size);
                });
        }

        void Prefill() => pool.Run(KvHeads * PrefillRows / RunRows, (i, thread) =>
        {
            var first = i / KvHeads * RunRows;
            format.Attend(Kernel(0, i % KvHeads, first, RunRows, Math.Max(0, depth - PrefillRows) + first, 0, spans), memory + thread * (nint)size);
        });

        var decode = Time(15, () =>
        {
            for (var layer = 0; layer < layers; layer++)
                Decode(layer);
        });
        var rate = layerBytes * layers / decode.Best / 1e9;
        var prefill = Time(3, Prefill);
        var gflops = 4.0 * HeadSize * Heads * PrefillRows * (Math.Max(0, depth - PrefillRows) + PrefillRows / 2) / prefill.Best / 1e9;
        Console.WriteLine($"{name,-5} one row: median {decode.Median * 1e3 / layers * Layers:f2} ms for {Layers} layers, best {decode.Best * 1e3 / layers * Layers:f2} ms, {rate:f1} GB/s ({rate / bandwidth:p0} of the probe); "
            + $"{PrefillRows} rows: median {prefill.Median * 1e3 * Layers:f1} ms, best {gflops:f0} GFLOPS ({gflops / peak:p0} of peak)");
        foreach (var page in pages)
            NativeMemory.AlignedFree((void*)page);
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
