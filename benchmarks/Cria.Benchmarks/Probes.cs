using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Cria.Kernels;

namespace Cria.Benchmarks;

/// <summary>What the machine can do at most: reading from memory, and multiplying and adding in registers.</summary>
static unsafe class Probes
{
    /// <summary>Best of several passes over 1 GiB, in GB/s.</summary>
    public static double ReadBandwidth(WorkerPool pool, int passes = 8)
    {
        const long size = 1L << 30;
        const int chunk = 1 << 20;
        var buffer = (byte*)LargeMemory.Allocate(size);
        NativeMemory.Fill(buffer, (nuint)size, 1);
        var best = 0.0;
        var sums = new float[size / chunk];
        for (var pass = 0; pass < passes; pass++)
        {
            var start = Stopwatch.GetTimestamp();
            pool.Run((int)(size / chunk), (i, _) => sums[i] = Read(buffer + (long)i * chunk, chunk));
            best = Math.Max(best, size / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }
        LargeMemory.Free(buffer);
        return best;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Read(byte* p, int count)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        for (var end = p + count; p < end; p += 256)
        {
            a += Vector512.Load((float*)p);
            b += Vector512.Load((float*)(p + 64));
            c += Vector512.Load((float*)(p + 128));
            d += Vector512.Load((float*)(p + 192));
        }
        return Vector512.Sum(a + b + c + d);
    }

    /// <inheritdoc cref="PeakGflops(WorkerPool)"/>
    public static double PeakGflops(int threads)
    {
        using var pool = new WorkerPool(threads);
        return PeakGflops(pool);
    }

    /// <summary>Fused multiply-adds in registers, in GFLOPS over all threads.</summary>
    public static double PeakGflops(WorkerPool pool)
    {
        const int rounds = 2_000_000;
        var best = 0.0;
        var sums = new float[pool.Threads];
        for (var pass = 0; pass < 5; pass++)
        {
            var start = Stopwatch.GetTimestamp();
            pool.Run(pool.Threads, (i, _) => sums[i] = MultiplyAdd(rounds));
            best = Math.Max(best, pool.Threads * (double)rounds * 12 * 16 * 2 / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }
        return best;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float MultiplyAdd(int rounds)
    {
        var (x, y) = (Vector512.Create(0.999f), Vector512.Create(0.001f));
        Vector512<float> a = default, b = default, c = default, d = default, e = default, f = default;
        Vector512<float> g = default, h = default, i = default, j = default, k = default, l = default;
        for (; rounds > 0; rounds--)
        {
            a = Vector512.FusedMultiplyAdd(a, x, y);
            b = Vector512.FusedMultiplyAdd(b, x, y);
            c = Vector512.FusedMultiplyAdd(c, x, y);
            d = Vector512.FusedMultiplyAdd(d, x, y);
            e = Vector512.FusedMultiplyAdd(e, x, y);
            f = Vector512.FusedMultiplyAdd(f, x, y);
            g = Vector512.FusedMultiplyAdd(g, x, y);
            h = Vector512.FusedMultiplyAdd(h, x, y);
            i = Vector512.FusedMultiplyAdd(i, x, y);
            j = Vector512.FusedMultiplyAdd(j, x, y);
            k = Vector512.FusedMultiplyAdd(k, x, y);
            l = Vector512.FusedMultiplyAdd(l, x, y);
        }
        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}
