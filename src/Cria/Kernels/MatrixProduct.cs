using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>Y = X Wᵀ for weights of one stored type: packing of the activations, and the walk over the tiles.</summary>
static unsafe class MatrixProduct<T, W, V> where T : struct, IWeightType<W, V> where W : struct, IWidth<V> where V : struct
{
    /// <summary>Floats of one packed row of activations: whole steps of 2 Count columns.</summary>
    public static int PackedColumns(int columns) => (columns + 2 * W.Count - 1) / (2 * W.Count) * (2 * W.Count);

    /// <summary>Rows of the next tile where <paramref name="left"/> rows are left.</summary>
    static int TileRows(int left) => W.ManyRegisters && left >= 6 ? 6 : left >= 2 ? 2 : 1;

    /// <summary>
    /// Packs rows [<paramref name="first"/>, <paramref name="end"/>) of X for the tiles; <paramref name="first"/> is a multiple of 6.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(float* x, int columns, int first, int end, bool roundToBF16, float* packed)
    {
        var step = 2 * W.Count;
        var full = columns / step;
        var rest = stackalloc float[step];
        for (int row = first, tile; row < end; row += tile)
        {
            tile = TileRows(end - row);
            for (var t = 0; t < tile; t++)
            {
                var source = x + (nint)(row + t) * columns;
                var target = packed + (nint)row * PackedColumns(columns) + t * step;
                for (var s = 0; s < full; s++, source += step, target += tile * step)
                    PackPair(source, target, roundToBF16);
                if (full * step == columns)
                    continue;
                new Span<float>(rest, step).Clear();
                new ReadOnlySpan<float>(source, columns - full * step).CopyTo(new Span<float>(rest, step));
                PackPair(rest, target, roundToBF16);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void PackPair(float* source, float* target, bool roundToBF16)
    {
        V first, second;
        if (T.Deinterleaves)
            W.LoadDeinterleaved(source, out second, out first);
        else
            (first, second) = (W.Load(source), W.Load(source + W.Count));
        if (roundToBF16)
            (first, second) = (W.RoundToBF16(first), W.RoundToBF16(second));
        if (T.ActivationScale != 1)
            (first, second) = (W.Multiply(first, W.Broadcast(T.ActivationScale)), W.Multiply(second, W.Broadcast(T.ActivationScale)));
        W.Store(first, target);
        W.Store(second, target + W.Count);
    }

    /// <summary>
    /// Outputs [<paramref name="firstOutput"/>, <paramref name="endOutput"/>) of rows [<paramref name="firstRow"/>, <paramref name="endRow"/>),
    /// the first row a multiple of 6; y[row * <paramref name="yStride"/> + output].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* weights, int columns, int firstOutput, int endOutput, float* packed, int firstRow, int endRow, float* y, nint yStride)
    {
        for (int row = firstRow, tile; row < endRow; row += tile)
        {
            tile = TileRows(endRow - row);
            var x = packed + (nint)row * PackedColumns(columns);
            if (tile < 6)
                Narrow(weights, columns, firstOutput, endOutput, x, tile, y + row * yStride, yStride);
            else
                for (var output = firstOutput; output < endOutput; output += BlockOutputs)
                    Wide(weights, columns, output, Math.Min(endOutput, output + BlockOutputs), x, y + row * yStride, yStride);
        }
    }

    /// <summary>Tiles of one or two rows of X: the weights stream through once, whole rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Narrow(byte* weights, int columns, int firstOutput, int endOutput, float* x, int tile, float* y, nint yStride)
    {
        var step = 2 * W.Count;
        var tail = stackalloc byte[4 * step * T.Size];
        var rowBytes = (nint)columns * T.Size;
        var rows = new WeightRows { Steps = columns / step, Ahead = 4 * rowBytes };
        for (var output = firstOutput; output < endOutput; output += 4)
        {
            Point(ref rows, weights + output * rowBytes, rowBytes, endOutput - output);
            ReadTail(ref rows, columns, tail);
            if (tile == 2)
                DotTiles<T, W, V>.By2(rows, x, y + output, yStride);
            else
                DotTiles<T, W, V>.By1(rows, x, y + output);
        }
    }

    /// <summary>
    /// A tile of six rows of X, in blocks of columns for which the six stay in the first-level cache while the weights come by:
    /// without blocks 2048 columns ran at 60 % of the multiply-add peak (docs/LOG.md).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    static void Wide(byte* weights, int columns, int firstOutput, int endOutput, float* x, float* y, nint yStride)
    {
        var step = 2 * W.Count;
        var tail = stackalloc byte[4 * step * T.Size];
        var buffer = stackalloc float[(BlockOutputs / 4 * 24 + 1) * W.Count];
        var partial = (float*)((nint)(buffer + W.Count) & -(W.Count * sizeof(float)));
        var rowBytes = (nint)columns * T.Size;
        var rows = new WeightRows { Begins = true, Ahead = 4 * rowBytes };
        int start = 0, steps = columns / step;
        while (!rows.Ends)
        {
            rows.Steps = Math.Min(BlockColumns / step, steps - start);
            rows.Ends = start + rows.Steps == steps;
            for (var output = firstOutput; output < endOutput; output += 4)
            {
                Point(ref rows, weights + output * rowBytes, rowBytes, endOutput - output);
                if (rows.Ends)
                    ReadTail(ref rows, columns, tail);
                var offset = (nint)start * step * T.Size;
                rows.Row0 += offset;
                rows.Row1 += offset;
                rows.Row2 += offset;
                rows.Row3 += offset;
                rows.Partial = partial + (output - firstOutput) / 4 * 24 * W.Count;
                DotTiles<T, W, V>.By6(rows, x + (nint)start * step * 6, y + output, yStride);
            }
            start += rows.Steps;
            rows.Begins = false;
        }
    }

    /// <summary>Outputs and columns of a block of the wide tiles.</summary>
    const int BlockOutputs = 64, BlockColumns = 1024;

    /// <summary>Four rows of weights from <paramref name="first"/> on; where fewer are left, the last is repeated.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Point(ref WeightRows rows, byte* first, nint rowBytes, int left)
    {
        rows.Valid = Math.Min(4, left);
        rows.Row0 = first;
        rows.Row1 = first + Math.Min(1, rows.Valid - 1) * rowBytes;
        rows.Row2 = first + Math.Min(2, rows.Valid - 1) * rowBytes;
        rows.Row3 = first + (rows.Valid - 1) * rowBytes;
    }

    /// <summary>Copies what the four rows have beyond whole steps, and zeros behind it: nothing is read beyond a row's end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void ReadTail(ref WeightRows rows, int columns, byte* tail)
    {
        var step = 2 * W.Count;
        var rest = columns % step * T.Size;
        if (rest == 0)
            return;
        var whole = columns / step * step * T.Size;
        new Span<byte>(tail, 4 * step * T.Size).Clear();
        Unsafe.CopyBlockUnaligned(tail, rows.Row0 + whole, (uint)rest);
        Unsafe.CopyBlockUnaligned(tail + step * T.Size, rows.Row1 + whole, (uint)rest);
        Unsafe.CopyBlockUnaligned(tail + 2 * step * T.Size, rows.Row2 + whole, (uint)rest);
        Unsafe.CopyBlockUnaligned(tail + 3 * step * T.Size, rows.Row3 + whole, (uint)rest);
        rows.Tail = tail;
    }
}
