using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Cria.Kernels;

namespace Cria.Images;

/// <summary>
/// Resizes as Pillow's antialiased bilinear filter does, bit for bit (src/libImaging/Resample.c up to 12.3): a triangle as wide as the
/// reduction, rows first and rounded to bytes, then columns, with weights of 22 fractional bits in 32-bit integers. A pass whose size
/// stays is left out. (Pillow 13 takes the cheaper order of the two passes, the reference models' release took this one.)
/// </summary>
static unsafe class Resampler
{
    const int Precision = 22, Half = 1 << (Precision - 1);

    /// <summary>Rows of one chunk of work; a multiple of <see cref="RowsTogether"/>.</summary>
    const int ChunkRows = 32;

    /// <summary>Source rows that share the loads of the weights, and four sums that do not wait for one another.</summary>
    const int RowsTogether = 4;

    /// <summary>The picture in a new size, a new picture; the result does not depend on the number of threads.</summary>
    public static RgbaImage Resize(RgbaImage source, int width, int height, WorkerPool workers)
    {
        var rows = new RgbaImage(width, source.Height);
        try
        {
            if (width == source.Width)
                Buffer.MemoryCopy(source.Pixels, rows.Pixels, Bytes(rows), Bytes(rows));
            else
                ResizeRows(source, rows, workers);
            if (height == source.Height)
                return rows;
            var result = new RgbaImage(width, height);
            ResizeColumns(rows, result, workers);
            rows.Dispose();
            return result;
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    static long Bytes(RgbaImage image) => (long)image.Width * image.Height * sizeof(uint);

    static void ResizeRows(RgbaImage source, RgbaImage target, WorkerPool workers)
    {
        var spans = new Triangle(source.Width, target.Width);
        var weights = new int[(long)target.Width * spans.MaxCount];
        var (firsts, counts) = (new int[target.Width], new int[target.Width]);
        for (var x = 0; x < target.Width; x++)
            (firsts[x], counts[x]) = spans.Weights(x, weights.AsSpan(x * spans.MaxCount, spans.MaxCount));
        workers.Run((target.Height + ChunkRows - 1) / ChunkRows, (chunk, _) =>
        {
            fixed (int* weight = weights, first = firsts, count = counts)
                for (var y = chunk * ChunkRows; y < Math.Min(target.Height, (chunk + 1) * ChunkRows); y += RowsTogether)
                    ResizeFourRows(source, target, y, weight, spans.MaxCount, first, count);
        });
    }

    /// <summary>One pixel is a vector of its four channels as integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void ResizeFourRows(RgbaImage source, RgbaImage target, int y, int* weights, int stride, int* first, int* count)
    {
        // Past the end the last row is computed again, to the same bytes.
        var (y1, y2, y3) = (Math.Min(y + 1, target.Height - 1), Math.Min(y + 2, target.Height - 1), Math.Min(y + 3, target.Height - 1));
        var (s0, s1, s2, s3) = ((nint)source.Row(y), (nint)source.Row(y1), (nint)source.Row(y2), (nint)source.Row(y3));
        var (t0, t1, t2, t3) = ((nint)target.Row(y), (nint)target.Row(y1), (nint)target.Row(y2), (nint)target.Row(y3));
        for (var x = 0; x < target.Width; x++, weights += stride)
        {
            var (sum0, sum1, sum2, sum3) = (Vector128.Create(Half), Vector128.Create(Half), Vector128.Create(Half), Vector128.Create(Half));
            var from = first[x];
            for (var i = 0; i < count[x]; i++)
            {
                var weight = Vector128.Create(weights[i]);
                sum0 += Widen((uint*)s0 + from + i) * weight;
                sum1 += Widen((uint*)s1 + from + i) * weight;
                sum2 += Widen((uint*)s2 + from + i) * weight;
                sum3 += Widen((uint*)s3 + from + i) * weight;
            }
            ((uint*)t0)[x] = Round(sum0, default, default, default).AsUInt32().ToScalar();
            ((uint*)t1)[x] = Round(sum1, default, default, default).AsUInt32().ToScalar();
            ((uint*)t2)[x] = Round(sum2, default, default, default).AsUInt32().ToScalar();
            ((uint*)t3)[x] = Round(sum3, default, default, default).AsUInt32().ToScalar();
        }
    }

    static void ResizeColumns(RgbaImage source, RgbaImage target, WorkerPool workers)
    {
        var spans = new Triangle(source.Height, target.Height);
        workers.Run((target.Height + ChunkRows - 1) / ChunkRows, (chunk, _) =>
        {
            var weights = new int[spans.MaxCount];
            fixed (int* weight = weights)
                for (var y = chunk * ChunkRows; y < Math.Min(target.Height, (chunk + 1) * ChunkRows); y++)
                {
                    var (first, count) = spans.Weights(y, weights);
                    ResizeOneColumnOfRows(source, target, y, weight, first, count);
                }
        });
    }

    /// <summary>A row of the target from <paramref name="count"/> rows of the source, four pixels (16 bytes) at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void ResizeOneColumnOfRows(RgbaImage source, RgbaImage target, int y, int* weights, int first, int count)
    {
        nint width = target.Width;
        var start = source.Row(first);
        var output = target.Row(y);
        nint x = 0;
        for (; x <= width - 4; x += 4)
        {
            var (sum0, sum1, sum2, sum3) = (Vector128.Create(Half), Vector128.Create(Half), Vector128.Create(Half), Vector128.Create(Half));
            var pixels = start + x;
            for (var i = 0; i < count; i++, pixels += width)
            {
                var weight = Vector128.Create(weights[i]);
                sum0 += Widen(pixels) * weight;
                sum1 += Widen(pixels + 1) * weight;
                sum2 += Widen(pixels + 2) * weight;
                sum3 += Widen(pixels + 3) * weight;
            }
            Round(sum0, sum1, sum2, sum3).Store((byte*)(output + x));
        }
        for (; x < width; x++)
        {
            var sum = Vector128.Create(Half);
            for (var i = 0; i < count; i++)
                sum += Widen(start + x + i * width) * weights[i];
            output[x] = Round(sum, default, default, default).AsUInt32().ToScalar();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<int> Widen(uint* pixel) => Sse41.IsSupported ? Sse41.ConvertToVector128Int32((byte*)pixel)
        : Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*pixel).AsByte())).AsInt32();

    /// <summary>Four sums to bytes; weights are never negative, so only the upper end can be passed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<byte> Round(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d)
    {
        var most = Vector128.Create(255);
        var low = Vector128.Narrow(Vector128.Min(a >> Precision, most), Vector128.Min(b >> Precision, most));
        var high = Vector128.Narrow(Vector128.Min(c >> Precision, most), Vector128.Min(d >> Precision, most));
        return Vector128.Narrow(low.AsUInt16(), high.AsUInt16());
    }

    /// <summary>The triangle filter of one axis: which source pixels make a target pixel, and with what weights.</summary>
    readonly struct Triangle(int source, int target)
    {
        readonly double _scale = (double)source / target;

        double Width => Math.Max(_scale, 1);

        /// <summary>The most weights that a pixel has.</summary>
        public int MaxCount => (int)Math.Ceiling(Width) * 2 + 1;

        /// <summary>The weights of a target pixel in 1 / 2²², and the source pixels they are of.</summary>
        public (int First, int Count) Weights(int x, Span<int> weights)
        {
            var center = (x + 0.5) * _scale;
            var first = Math.Max(0, (int)(center - Width + 0.5));
            var count = Math.Min(source, (int)(center + Width + 0.5)) - first;
            var sharpness = 1 / Width;
            var sum = 0.0;
            for (var i = 0; i < count; i++)
                sum += Weight(i);
            for (var i = 0; i < count; i++)
                weights[i] = (int)(Weight(i) / sum * (1 << Precision) + 0.5);
            return (first, count);

            double Weight(int i) => Math.Max(0, 1 - Math.Abs((i + first - center + 0.5) * sharpness));
        }
    }
}
