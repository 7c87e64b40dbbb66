using System.Runtime.CompilerServices;

namespace Cria.Kernels.Panels;

/// <summary>
/// Products of weights in blocks of 256 with scaled sub-blocks. An output is sum += (weight's scale * activation's scale) * dot
/// product, then sum -= (scale of minima * activation's scale) * product of minima and sums of activations, block after block: the
/// same in both tiles, and the two products are exact integers.
/// </summary>
static unsafe class SuperblockTiles<F, W, V> where F : struct, ISuperblockForm<W, V> where W : struct, IPanelWidth<V> where V : struct
{
    const int MinimaScalesAt = 32, ScalesAt = 64;

    static int MinimaAt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ScalesAt + 16 * F.SubBlocks;
    }

    static int CodesAt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MinimaAt + (F.HasMinima ? 16 * F.SubBlocks : 0);
    }

    static int BlockBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => CodesAt + F.SubBlocks * F.CodeBytes;
    }

    /// <summary>Two vectors of rows times four rows of activations; their sums are in memory, the registers belong to the integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void Four(in PanelTile tile)
    {
        var memory = stackalloc float[8 * W.Rows + 16];
        var sums = (float*)((nint)(memory + 16) & -64);
        new Span<float>(sums, 8 * W.Rows).Clear();
        byte* block0 = tile.Panel0, block1 = tile.Panel1;
        byte* a = tile.X0, b = tile.X1, c = tile.X2, d = tile.X3;
        nint row0 = tile.Row0, row1 = tile.Row1;
        for (var block = tile.Blocks; block > 0; block--)
        {
            V a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
            byte* codes0 = block0 + CodesAt + 4 * row0, codes1 = block1 + CodesAt + 4 * row1;
            byte* scales0 = block0 + ScalesAt + row0, scales1 = block1 + ScalesAt + row1;
            for (nint subBlock = 0; subBlock < F.SubBlocks; subBlock++)
            {
                F.Four(codes0, codes1, subBlock, a, b, c, d, out var i0, out var i1, out var j0, out var j1, out var k0, out var k1, out var l0, out var l1);
                var (scale0, scale1) = (W.SpreadBytes(scales0), W.SpreadBytes(scales1));
                AddScaled(i0, i1, scale0, scale1, ref a0, ref a1);
                AddScaled(j0, j1, scale0, scale1, ref b0, ref b1);
                AddScaled(k0, k1, scale0, scale1, ref c0, ref c1);
                AddScaled(l0, l1, scale0, scale1, ref d0, ref d1);
                codes0 += F.CodeBytes;
                codes1 += F.CodeBytes;
                scales0 += 16;
                scales1 += 16;
            }
            var (whole0, whole1) = (W.WidenHalves(block0 + 2 * row0), W.WidenHalves(block1 + 2 * row1));
            AddFloats(a + QuantizedRow.Scale256, whole0, whole1, a0, a1, sums);
            AddFloats(b + QuantizedRow.Scale256, whole0, whole1, b0, b1, sums + 2 * W.Rows);
            AddFloats(c + QuantizedRow.Scale256, whole0, whole1, c0, c1, sums + 4 * W.Rows);
            AddFloats(d + QuantizedRow.Scale256, whole0, whole1, d0, d1, sums + 6 * W.Rows);
            if (F.HasMinima)
            {
                (a0, a1, b0, b1, c0, c1, d0, d1) = (default, default, default, default, default, default, default, default);
                for (nint pair = 0; pair < F.SubBlocks / 2; pair++)
                {
                    var minima0 = W.WidenBytes(block0 + MinimaAt + 32 * pair + 2 * row0);
                    var minima1 = W.WidenBytes(block1 + MinimaAt + 32 * pair + 2 * row1);
                    var at = F.SumsAt + 4 * pair;
                    AddScaled(W.Broadcast(a + at), minima0, minima1, ref a0, ref a1);
                    AddScaled(W.Broadcast(b + at), minima0, minima1, ref b0, ref b1);
                    AddScaled(W.Broadcast(c + at), minima0, minima1, ref c0, ref c1);
                    AddScaled(W.Broadcast(d + at), minima0, minima1, ref d0, ref d1);
                }
                (whole0, whole1) = (W.WidenHalves(block0 + MinimaScalesAt + 2 * row0), W.WidenHalves(block1 + MinimaScalesAt + 2 * row1));
                AddFloats(a + QuantizedRow.NegativeScale, whole0, whole1, a0, a1, sums);
                AddFloats(b + QuantizedRow.NegativeScale, whole0, whole1, b0, b1, sums + 2 * W.Rows);
                AddFloats(c + QuantizedRow.NegativeScale, whole0, whole1, c0, c1, sums + 4 * W.Rows);
                AddFloats(d + QuantizedRow.NegativeScale, whole0, whole1, d0, d1, sums + 6 * W.Rows);
            }
            block0 += BlockBytes;
            block1 += BlockBytes;
            a += QuantizedRow.Bytes256;
            b += QuantizedRow.Bytes256;
            c += QuantizedRow.Bytes256;
            d += QuantizedRow.Bytes256;
        }
        for (var column = 0; column < 4; column++)
            for (var vector = 0; vector < 2; vector++)
                W.Store(W.Load((byte*)(sums + (2 * column + vector) * W.Rows)), tile.Y + column * tile.Stride + vector * W.Rows);
    }

    /// <summary>A panel times one row of activations: the panel streams through once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One(in PanelTile tile)
    {
        var panel = tile.Panel0;
        var x = tile.X0;
        var y = tile.Y;
        new Span<float>(y, 16).Clear();
        for (var block = tile.Blocks; block > 0; block--, panel += BlockBytes, x += QuantizedRow.Bytes256)
        {
            for (var line = 0; line < CodesAt; line += 64)
                Panel.Prefetch(panel + line);
            for (nint row = 0; row < 16; row += W.Rows)
            {
                V dot = default, minima = default;
                for (nint subBlock = 0; subBlock < F.SubBlocks; subBlock++)
                {
                    var products = F.One(panel + CodesAt + F.CodeBytes * subBlock + 4 * row, subBlock, x);
                    dot = W.Add(dot, W.MultiplyAddShorts(products, W.SpreadBytes(panel + ScalesAt + 16 * subBlock + row)));
                }
                AddFloats(x + QuantizedRow.Scale256, W.WidenHalves(panel + 2 * row), dot, y + row);
                if (!F.HasMinima)
                    continue;
                for (nint pair = 0; pair < F.SubBlocks / 2; pair++)
                    minima = W.Add(minima, W.MultiplyAddShorts(W.WidenBytes(panel + MinimaAt + 32 * pair + 2 * row), W.Broadcast(x + F.SumsAt + 4 * pair)));
                AddFloats(x + QuantizedRow.NegativeScale, W.WidenHalves(panel + MinimaScalesAt + 2 * row), minima, y + row);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddScaled(V shorts0, V shorts1, V scale0, V scale1, ref V dot0, ref V dot1)
    {
        dot0 = W.Add(dot0, W.MultiplyAddShorts(shorts0, scale0));
        dot1 = W.Add(dot1, W.MultiplyAddShorts(shorts1, scale1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddScaled(V sums, V minima0, V minima1, ref V dot0, ref V dot1) => AddScaled(sums, sums, minima0, minima1, ref dot0, ref dot1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddFloats(byte* x, V scale0, V scale1, V dot0, V dot1, float* sums)
    {
        AddFloats(x, scale0, dot0, sums);
        AddFloats(x, scale1, dot1, sums + W.Rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddFloats(byte* x, V scale, V dot, float* sum) =>
        W.Store(W.MultiplyAdd(W.Multiply(scale, W.Broadcast(x)), W.ToFloat(dot), W.Load((byte*)sum)), sum);
}
