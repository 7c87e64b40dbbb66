using System.Runtime.CompilerServices;

namespace Cria.Kernels.Panels;

/// <summary>Whether sub-blocks have minima.</summary>
interface IMinima
{
    static abstract bool Present { get; }
}

readonly struct NoMinima : IMinima
{
    public static bool Present => false;
}

readonly struct WithMinima : IMinima
{
    public static bool Present => true;
}

/// <summary>
/// Q6_K, and whatever fits 6 bits about 32 in sub-blocks of 16. Two vectors hold the lower 4 bits, of quads 0 and 2 and of quads 1
/// and 3; a third the upper 2 bits of all four quads, those of quad 0 lowest. A true sum of 8 products is at most 8 * 32 * 127.
/// </summary>
readonly unsafe struct SixBitSuperblock<M, W, V> : ISuperblockForm<W, V> where M : struct, IMinima where W : struct, IPanelWidth<V> where V : struct
{
    public static int SubBlocks => 16;

    public static int CodeBytes => 192;

    public static int SumsAt => QuantizedRow.Sums16;

    public static bool HasMinima => M.Present;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(byte* codes0, byte* codes1, nint subBlock, byte* a, byte* b, byte* c, byte* d,
        out V a0, out V a1, out V b0, out V b1, out V c0, out V c1, out V d0, out V d1)
    {
        var starts = QuantizedRow.SixBitStarts + 4 * subBlock;
        (a0, b0, c0, d0) = (W.Broadcast(a + starts), W.Broadcast(b + starts), W.Broadcast(c + starts), W.Broadcast(d + starts));
        (a1, b1, c1, d1) = (a0, b0, c0, d0);
        Panel.Prefetch(codes0 + 128);
        Panel.Prefetch(codes1 + 128);
        var (high0, high1) = (W.Load(codes0 + 128), W.Load(codes1 + 128));
        var at = 16 * subBlock;
        for (nint half = 0; half < 2; half++, at += 4)
        {
            Panel.Prefetch(codes0 + 64 * half);
            Panel.Prefetch(codes1 + 64 * half);
            var (low0, low1) = (W.Load(codes0 + 64 * half), W.Load(codes1 + 64 * half));
            var (w0, w1) = (First(low0, high0), First(low1, high1));
            Panel<W, V>.Feed(a + at, w0, w1, ref a0, ref a1);
            Panel<W, V>.Feed(b + at, w0, w1, ref b0, ref b1);
            Panel<W, V>.Feed(c + at, w0, w1, ref c0, ref c1);
            Panel<W, V>.Feed(d + at, w0, w1, ref d0, ref d1);
            (w0, w1) = (Second(low0, high0), Second(low1, high1));
            Panel<W, V>.Feed(a + at + 8, w0, w1, ref a0, ref a1);
            Panel<W, V>.Feed(b + at + 8, w0, w1, ref b0, ref b1);
            Panel<W, V>.Feed(c + at + 8, w0, w1, ref c0, ref c1);
            Panel<W, V>.Feed(d + at + 8, w0, w1, ref d0, ref d1);
            (high0, high1) = (W.ShiftRight(high0, 2), W.ShiftRight(high1, 2));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V One(byte* codes, nint subBlock, byte* x)
    {
        var sum = W.Broadcast(x + QuantizedRow.SixBitStarts + 4 * subBlock);
        var high = W.Load(codes + 128);
        Panel.Prefetch(codes + 128);
        x += 16 * subBlock;
        sum = Line(codes, high, x, sum);
        return Line(codes + 64, W.ShiftRight(high, 2), x + 4, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Line(byte* codes, V high, byte* x, V sum)
    {
        Panel.Prefetch(codes);
        var low = W.Load(codes);
        sum = Panel<W, V>.Add(sum, First(low, high), W.Broadcast(x));
        return Panel<W, V>.Add(sum, Second(low, high), W.Broadcast(x + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V First(V low, V high) => W.Or(W.And(low, W.Bytes(15)), W.And(W.ShiftLeft(high, 4), W.Bytes(0x30)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Second(V low, V high) => W.Or(W.And(W.ShiftRight(low, 4), W.Bytes(15)), W.And(high, W.Bytes(0x30)));
}
