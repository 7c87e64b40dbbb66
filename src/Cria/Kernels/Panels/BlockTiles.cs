using System.Runtime.CompilerServices;

namespace Cria.Kernels.Panels;

/// <summary>How weights in blocks of 32 lie in a panel: two blocks of 16 rows after each other, scales, minima, codes.</summary>
interface IBlockForm
{
    /// <summary>Whether a byte holds the codes of quads j and j + 4 of the block, in its low and its high half; else one code plus 128.</summary>
    static abstract bool Nibbles { get; }

    /// <summary>Whether a block has a minimum, added to what scale and code give; else codes in nibbles are less 8.</summary>
    static abstract bool HasMinimum { get; }

    /// <summary>Bytes of a scale: 2 for F16, 4 for F32. A minimum is F16.</summary>
    static virtual int ScaleSize => 2;
}

/// <summary>Q4_0.</summary>
readonly struct NibbleForm : IBlockForm
{
    public static bool Nibbles => true;

    public static bool HasMinimum => false;
}

/// <summary>Q4_1.</summary>
readonly struct NibbleMinimumForm : IBlockForm
{
    public static bool Nibbles => true;

    public static bool HasMinimum => true;
}

/// <summary>Q8_0, and whatever has signed bytes with one scale.</summary>
readonly struct ByteForm : IBlockForm
{
    public static bool Nibbles => false;

    public static bool HasMinimum => false;
}

/// <summary>IQ4_XS: the product of its two scales needs more bits than F16 has.</summary>
readonly struct WideScaleForm : IBlockForm
{
    public static bool Nibbles => false;

    public static bool HasMinimum => false;

    public static int ScaleSize => 4;
}

/// <summary>Q5_1.</summary>
readonly struct ByteMinimumForm : IBlockForm
{
    public static bool Nibbles => false;

    public static bool HasMinimum => true;
}

/// <summary>
/// Products of weights in blocks of 32. An output is sum += (weight's scale * activation's scale) * dot product, then
/// sum += minimum * scaled sum of activations, block after block: the same in both tiles, and dot products are exact integers.
/// Nibbles sum 16 products in shorts: codes less 8 end at no more than 16 * 8 * 127, whatever they pass through; codes that are taken
/// as they are stay within 16 * 15 * 127.
/// </summary>
static unsafe class BlockTiles<F, W, V> where F : struct, IBlockForm where W : struct, IPanelWidth<V> where V : struct
{
    static int ScaleBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => F.ScaleSize * PanelFormat.Rows;
    }

    static int CodeBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => F.Nibbles ? 256 : 512;
    }

    static int CodesAt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * ScaleBytes + (F.HasMinimum ? 4 * PanelFormat.Rows : 0);
    }

    static int PairBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => CodesAt + 2 * CodeBytes;
    }

    /// <summary>Two vectors of rows times four rows of activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four(in PanelTile tile)
    {
        byte* scales0 = tile.Panel0 + F.ScaleSize * tile.Row0, scales1 = tile.Panel1 + F.ScaleSize * tile.Row1;
        byte* codes0 = tile.Panel0 + 4 * tile.Row0 + CodesAt, codes1 = tile.Panel1 + 4 * tile.Row1 + CodesAt;
        byte* a = tile.X0, b = tile.X1, c = tile.X2, d = tile.X3;
        V a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        for (var block = 0; block < tile.Blocks; block++)
        {
            V i0 = Start(a), i1 = i0, j0 = Start(b), j1 = j0, k0 = Start(c), k1 = k0, l0 = Start(d), l1 = l0;
            for (nint at = 0; at < (F.Nibbles ? 16 : 32); at += 4)
            {
                Panel.Prefetch(codes0);
                Panel.Prefetch(codes1);
                var (w0, w1) = (W.Load(codes0), W.Load(codes1));
                codes0 += 64;
                codes1 += 64;
                var (low0, low1) = (Low(w0), Low(w1));
                Feed(a + at, low0, low1, ref i0, ref i1);
                Feed(b + at, low0, low1, ref j0, ref j1);
                Feed(c + at, low0, low1, ref k0, ref k1);
                Feed(d + at, low0, low1, ref l0, ref l1);
                if (!F.Nibbles)
                    continue;
                (low0, low1) = (High(w0), High(w1));
                Feed(a + at + 16, low0, low1, ref i0, ref i1);
                Feed(b + at + 16, low0, low1, ref j0, ref j1);
                Feed(c + at + 16, low0, low1, ref k0, ref k1);
                Feed(d + at + 16, low0, low1, ref l0, ref l1);
            }
            var (scale0, scale1) = (LoadScales(scales0), LoadScales(scales1));
            Scale(a + QuantizedRow.Scale32, scale0, scale1, i0, i1, ref a0, ref a1);
            Scale(b + QuantizedRow.Scale32, scale0, scale1, j0, j1, ref b0, ref b1);
            Scale(c + QuantizedRow.Scale32, scale0, scale1, k0, k1, ref c0, ref c1);
            Scale(d + QuantizedRow.Scale32, scale0, scale1, l0, l1, ref d0, ref d1);
            if (F.HasMinimum)
            {
                (scale0, scale1) = (W.WidenHalves(scales0 + 2 * ScaleBytes), W.WidenHalves(scales1 + 2 * ScaleBytes));
                AddMinimum(a + QuantizedRow.ScaledSum, scale0, scale1, ref a0, ref a1);
                AddMinimum(b + QuantizedRow.ScaledSum, scale0, scale1, ref b0, ref b1);
                AddMinimum(c + QuantizedRow.ScaledSum, scale0, scale1, ref c0, ref c1);
                AddMinimum(d + QuantizedRow.ScaledSum, scale0, scale1, ref d0, ref d1);
            }
            a += QuantizedRow.Bytes32;
            b += QuantizedRow.Bytes32;
            c += QuantizedRow.Bytes32;
            d += QuantizedRow.Bytes32;
            var odd = block & 1; // the second block of a pair: its scales follow those of the first, then comes the next pair
            codes0 += odd * CodesAt;
            codes1 += odd * CodesAt;
            scales0 += ScaleBytes + odd * (PairBytes - 2 * ScaleBytes);
            scales1 += ScaleBytes + odd * (PairBytes - 2 * ScaleBytes);
        }
        Store(tile.Y, a0, a1);
        Store(tile.Y + tile.Stride, b0, b1);
        Store(tile.Y + 2 * tile.Stride, c0, c1);
        Store(tile.Y + 3 * tile.Stride, d0, d1);
    }

    /// <summary>A panel times one row of activations. The codes far ahead are asked for: hardware follows such short streams too late.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One(in PanelTile tile)
    {
        const int Rows = PanelFormat.Rows;
        var second = W.Rows % Rows; // where a vector is less than the panel, two go together
        for (var row = 0; row < Rows; row += W.Rows + second)
        {
            byte* scales = tile.Panel0 + F.ScaleSize * row, codes = tile.Panel0 + CodesAt + 4 * row, x = tile.X0;
            V sum0 = default, sum1 = default;
            for (var pair = tile.Blocks / 2; pair > 0; pair--)
            {
                Panel.Prefetch(scales);
                if (F.HasMinimum || F.ScaleSize > 2)
                    Panel.Prefetch(scales + 64);
                for (var odd = 0; odd < 2; odd++)
                {
                    sum0 = AddBlock(codes, scales, x, sum0, prefetch: true);
                    if (second > 0)
                        sum1 = AddBlock(codes + 4 * second, scales + F.ScaleSize * second, x, sum1, prefetch: false);
                    codes += CodeBytes;
                    scales += ScaleBytes;
                    x += QuantizedRow.Bytes32;
                }
                scales += PairBytes - 2 * ScaleBytes;
                codes += CodesAt;
            }
            W.Store(sum0, tile.Y + row);
            if (second > 0)
                W.Store(sum1, tile.Y + row + second);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V AddBlock(byte* codes, byte* scales, byte* x, V sum, bool prefetch)
    {
        var dot = FourLines(codes, x, Start(x), prefetch);
        if (!F.Nibbles)
            dot = FourLines(codes + 256, x + 16, dot, prefetch);
        sum = W.MultiplyAdd(W.Multiply(LoadScales(scales), W.Broadcast(x + QuantizedRow.Scale32)), W.ToFloat(Finish(dot)), sum);
        return F.HasMinimum ? W.MultiplyAdd(W.WidenHalves(scales + 2 * ScaleBytes), W.Broadcast(x + QuantizedRow.ScaledSum), sum) : sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V LoadScales(byte* p) => F.ScaleSize == 2 ? W.WidenHalves(p) : W.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V FourLines(byte* codes, byte* x, V dot, bool prefetch)
    {
        dot = Line(codes, x, dot, prefetch);
        dot = Line(codes + 64, x + 4, dot, prefetch);
        dot = Line(codes + 128, x + 8, dot, prefetch);
        return Line(codes + 192, x + 12, dot, prefetch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Line(byte* codes, byte* x, V dot, bool prefetch)
    {
        if (prefetch)
            Panel.Prefetch(codes);
        var w = W.Load(codes);
        dot = Add(dot, Low(w), W.Broadcast(x));
        return F.Nibbles ? Add(dot, High(w), W.Broadcast(x + 16)) : dot;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Start(byte* x) =>
        !F.Nibbles ? W.DotStart(x + QuantizedRow.ByteStart) : F.HasMinimum ? default : W.Broadcast(x + QuantizedRow.NibbleStart);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Low(V codes) => F.Nibbles ? W.And(codes, W.Bytes(15)) : codes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V High(V codes) => W.And(W.ShiftRight(codes, 4), W.Bytes(15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Add(V dot, V codes, V x) => F.Nibbles ? Panel<W, V>.Add(dot, codes, x) : W.Dot(dot, codes, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Finish(V dot) => F.Nibbles ? W.MultiplyAddShorts(dot, W.Shorts(1)) : dot;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Feed(byte* x, V codes0, V codes1, ref V dot0, ref V dot1)
    {
        var quad = W.Broadcast(x);
        dot0 = Add(dot0, codes0, quad);
        dot1 = Add(dot1, codes1, quad);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Scale(byte* x, V scale0, V scale1, V dot0, V dot1, ref V sum0, ref V sum1)
    {
        var scale = W.Broadcast(x);
        sum0 = W.MultiplyAdd(W.Multiply(scale0, scale), W.ToFloat(Finish(dot0)), sum0);
        sum1 = W.MultiplyAdd(W.Multiply(scale1, scale), W.ToFloat(Finish(dot1)), sum1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddMinimum(byte* x, V minimum0, V minimum1, ref V sum0, ref V sum1)
    {
        var scaledSum = W.Broadcast(x);
        sum0 = W.MultiplyAdd(minimum0, scaledSum, sum0);
        sum1 = W.MultiplyAdd(minimum1, scaledSum, sum1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* y, V v0, V v1)
    {
        W.Store(v0, y);
        W.Store(v1, y + W.Rows);
    }
}
