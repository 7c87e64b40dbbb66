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
            W.LoadDeinterleaved(source, out first, out second);
        else
            (first, second) = (W.Load(source), W.Load(source + W.Count));
        if (roundToBF16)
            (first, second) = (W.RoundToBF16(first), W.RoundToBF16(second));
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
        var step = 2 * W.Count;
        var rowBytes = (nint)columns * T.Size;
        var restBytes = columns % step * T.Size;
        var tail = stackalloc byte[4 * step * T.Size];
        new Span<byte>(tail, 4 * step * T.Size).Clear();
        var rows = new WeightRows { Steps = columns / step, Tail = restBytes == 0 ? null : tail, Ahead = rowBytes <= 4096 ? 4 * rowBytes : 4096 };
        for (int row = firstRow, tile; row < endRow; row += tile)
        {
            tile = TileRows(endRow - row);
            var x = packed + (nint)row * PackedColumns(columns);
            for (var output = firstOutput; output < endOutput; output += 4)
            {
                rows.Valid = Math.Min(4, endOutput - output);
                rows.Row0 = weights + output * rowBytes;
                rows.Row1 = rows.Row0 + Math.Min(1, rows.Valid - 1) * rowBytes;
                rows.Row2 = rows.Row0 + Math.Min(2, rows.Valid - 1) * rowBytes;
                rows.Row3 = rows.Row0 + (rows.Valid - 1) * rowBytes;
                if (restBytes > 0)
                {
                    var fullBytes = rowBytes - restBytes;
                    Unsafe.CopyBlockUnaligned(tail, rows.Row0 + fullBytes, (uint)restBytes);
                    Unsafe.CopyBlockUnaligned(tail + step * T.Size, rows.Row1 + fullBytes, (uint)restBytes);
                    Unsafe.CopyBlockUnaligned(tail + 2 * step * T.Size, rows.Row2 + fullBytes, (uint)restBytes);
                    Unsafe.CopyBlockUnaligned(tail + 3 * step * T.Size, rows.Row3 + fullBytes, (uint)restBytes);
                }
                var target = y + row * yStride + output;
                if (tile == 6)
                    DotTiles<T, W, V>.By6(rows, x, target, yStride);
                else if (tile == 2)
                    DotTiles<T, W, V>.By2(rows, x, target, yStride);
                else
                    DotTiles<T, W, V>.By1(rows, x, target);
            }
        }
    }
}
