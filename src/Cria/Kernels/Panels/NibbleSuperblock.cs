using System.Runtime.CompilerServices;

namespace Cria.Kernels.Panels;

/// <summary>Q4_K: sub-blocks of 32, quads j and j + 4 in a byte. A sum of 16 products is at most 16 * 15 * 127, which a short holds.</summary>
readonly unsafe struct NibbleSuperblock<W, V> : ISuperblockForm<W, V> where W : struct, IPanelWidth<V> where V : struct
{
    public static int SubBlocks => 8;

    public static int CodeBytes => 256;

    public static int SumsAt => QuantizedRow.Sums32;

    public static bool HasMinima => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(byte* codes0, byte* codes1, nint subBlock, byte* a, byte* b, byte* c, byte* d,
        out V a0, out V a1, out V b0, out V b1, out V c0, out V c1, out V d0, out V d1)
    {
        (a0, a1, b0, b1, c0, c1, d0, d1) = (default, default, default, default, default, default, default, default);
        var mask = W.Bytes(15);
        var at = 32 * subBlock;
        for (nint quad = 0; quad < 16; quad += 4)
        {
            Panel.Prefetch(codes0 + 16 * quad);
            Panel.Prefetch(codes1 + 16 * quad);
            var (w0, w1) = (W.Load(codes0 + 16 * quad), W.Load(codes1 + 16 * quad));
            var (low0, low1) = (W.And(w0, mask), W.And(w1, mask));
            Panel<W, V>.Feed(a + at + quad, low0, low1, ref a0, ref a1);
            Panel<W, V>.Feed(b + at + quad, low0, low1, ref b0, ref b1);
            Panel<W, V>.Feed(c + at + quad, low0, low1, ref c0, ref c1);
            Panel<W, V>.Feed(d + at + quad, low0, low1, ref d0, ref d1);
            (low0, low1) = (W.And(W.ShiftRight(w0, 4), mask), W.And(W.ShiftRight(w1, 4), mask));
            Panel<W, V>.Feed(a + at + quad + 16, low0, low1, ref a0, ref a1);
            Panel<W, V>.Feed(b + at + quad + 16, low0, low1, ref b0, ref b1);
            Panel<W, V>.Feed(c + at + quad + 16, low0, low1, ref c0, ref c1);
            Panel<W, V>.Feed(d + at + quad + 16, low0, low1, ref d0, ref d1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V One(byte* codes, nint subBlock, byte* x)
    {
        x += 32 * subBlock;
        return Line(codes + 192, x + 12, Line(codes + 128, x + 8, Line(codes + 64, x + 4, Line(codes, x, default))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Line(byte* codes, byte* x, V sum)
    {
        Panel.Prefetch(codes);
        var w = W.Load(codes);
        sum = Panel<W, V>.Add(sum, W.And(w, W.Bytes(15)), W.Broadcast(x));
        return Panel<W, V>.Add(sum, W.And(W.ShiftRight(w, 4), W.Bytes(15)), W.Broadcast(x + 16));
    }
}
