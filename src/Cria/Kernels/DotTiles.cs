using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels;

/// <summary>Four rows of a weight matrix, as a tile reads them.</summary>
unsafe struct WeightRows
{
    public byte* Row0, Row1, Row2, Row3;

    /// <summary>Full steps of 2 Count columns in a row.</summary>
    public int Steps;

    /// <summary>The rest of the four rows, padded with zeros to one more step each; null if there is no rest.</summary>
    public byte* Tail;

    /// <summary>How many of the four count (the others repeat the last).</summary>
    public int Valid;

    /// <summary>How far ahead, in bytes, the next weights are asked for: the four rows that follow.</summary>
    public nint Ahead;

    /// <summary>Where six-row tiles keep 24 accumulators between two blocks of columns.</summary>
    public float* Partial;

    /// <summary>Whether this block of columns is the row's first, and its last.</summary>
    public bool Begins, Ends;
}

/// <summary>
/// Dot products of four weight rows with one, two or six activation rows. Every output has one accumulator, fed with the vectors of
/// its row in ascending order (first then second of each pair), and one sum over its lanes at the end: the same order in every tile,
/// which is what makes an output independent of the batch; six-row tiles put their accumulators aside between blocks of columns, whole
/// vectors, so the order stays. Activations come packed: for each step, for each row of the tile, a pair.
/// </summary>
static unsafe class DotTiles<T, W, V> where T : struct, IWeightType<W, V> where W : struct, IWidth<V> where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void By1(in WeightRows rows, float* x, float* y)
    {
        byte* w0 = rows.Row0, w1 = rows.Row1, w2 = rows.Row2, w3 = rows.Row3;
        var (steps, tail) = (rows.Steps, (nint)rows.Tail);
        var next = w0 + rows.Ahead;
        var pair = 2 * W.Count * T.Size;
        V a0 = default, a1 = default, a2 = default, a3 = default;
        while (true)
        {
            for (; steps > 0; steps--)
            {
                Prefetch(next, 4 * pair);
                next += 4 * pair;
                var x0 = W.Load(x);
                var x1 = W.Load(x + W.Count);
                T.LoadPair(w0, out var p, out var q);
                a0 = W.MultiplyAdd(q, x1, W.MultiplyAdd(p, x0, a0));
                T.LoadPair(w1, out p, out q);
                a1 = W.MultiplyAdd(q, x1, W.MultiplyAdd(p, x0, a1));
                T.LoadPair(w2, out p, out q);
                a2 = W.MultiplyAdd(q, x1, W.MultiplyAdd(p, x0, a2));
                T.LoadPair(w3, out p, out q);
                a3 = W.MultiplyAdd(q, x1, W.MultiplyAdd(p, x0, a3));
                w0 += pair;
                w1 += pair;
                w2 += pair;
                w3 += pair;
                x += 2 * W.Count;
            }
            if (tail == 0)
                break;
            steps = 1;
            w0 = (byte*)tail;
            w1 = w0 + pair;
            w2 = w1 + pair;
            w3 = w2 + pair;
            tail = 0;
        }
        Store(y, rows.Valid, a0, a1, a2, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void By2(in WeightRows rows, float* x, float* y, nint yStride)
    {
        byte* w0 = rows.Row0, w1 = rows.Row1, w2 = rows.Row2, w3 = rows.Row3;
        var (steps, tail) = (rows.Steps, (nint)rows.Tail);
        var next = w0 + rows.Ahead;
        var pair = 2 * W.Count * T.Size;
        V a0 = default, a1 = default, a2 = default, a3 = default;
        V b0 = default, b1 = default, b2 = default, b3 = default;
        while (true)
        {
            for (; steps > 0; steps--)
            {
                Prefetch(next, 4 * pair);
                next += 4 * pair;
                T.LoadPair(w0, out var p0, out var q0);
                T.LoadPair(w1, out var p1, out var q1);
                T.LoadPair(w2, out var p2, out var q2);
                T.LoadPair(w3, out var p3, out var q3);
                Feed(x, p0, p1, p2, p3, ref a0, ref a1, ref a2, ref a3);
                Feed(x + 2 * W.Count, p0, p1, p2, p3, ref b0, ref b1, ref b2, ref b3);
                Feed(x + W.Count, q0, q1, q2, q3, ref a0, ref a1, ref a2, ref a3);
                Feed(x + 3 * W.Count, q0, q1, q2, q3, ref b0, ref b1, ref b2, ref b3);
                w0 += pair;
                w1 += pair;
                w2 += pair;
                w3 += pair;
                x += 4 * W.Count;
            }
            if (tail == 0)
                break;
            steps = 1;
            w0 = (byte*)tail;
            w1 = w0 + pair;
            w2 = w1 + pair;
            w3 = w2 + pair;
            tail = 0;
        }
        Store(y, rows.Valid, a0, a1, a2, a3);
        Store(y + yStride, rows.Valid, b0, b1, b2, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void By6(in WeightRows rows, float* x, float* y, nint yStride)
    {
        byte* w0 = rows.Row0, w1 = rows.Row1, w2 = rows.Row2, w3 = rows.Row3;
        var (steps, ahead, tail) = (rows.Steps, rows.Ahead, (nint)rows.Tail);
        var pair = 2 * W.Count * T.Size;
        V a0 = default, a1 = default, a2 = default, a3 = default;
        V b0 = default, b1 = default, b2 = default, b3 = default;
        V c0 = default, c1 = default, c2 = default, c3 = default;
        V d0 = default, d1 = default, d2 = default, d3 = default;
        V e0 = default, e1 = default, e2 = default, e3 = default;
        V f0 = default, f1 = default, f2 = default, f3 = default;
        if (!rows.Begins)
        {
            Load(rows.Partial, out a0, out a1, out a2, out a3);
            Load(rows.Partial + 4 * W.Count, out b0, out b1, out b2, out b3);
            Load(rows.Partial + 8 * W.Count, out c0, out c1, out c2, out c3);
            Load(rows.Partial + 12 * W.Count, out d0, out d1, out d2, out d3);
            Load(rows.Partial + 16 * W.Count, out e0, out e1, out e2, out e3);
            Load(rows.Partial + 20 * W.Count, out f0, out f1, out f2, out f3);
        }
        while (true)
        {
            for (; steps > 0; steps--)
            {
                Prefetch(w0 + ahead);
                Prefetch(w1 + ahead);
                Prefetch(w2 + ahead);
                Prefetch(w3 + ahead);
                T.LoadPair(w0, out var p0, out _);
                T.LoadPair(w1, out var p1, out _);
                T.LoadPair(w2, out var p2, out _);
                T.LoadPair(w3, out var p3, out _);
                Feed(x, p0, p1, p2, p3, ref a0, ref a1, ref a2, ref a3);
                Feed(x + 2 * W.Count, p0, p1, p2, p3, ref b0, ref b1, ref b2, ref b3);
                Feed(x + 4 * W.Count, p0, p1, p2, p3, ref c0, ref c1, ref c2, ref c3);
                Feed(x + 6 * W.Count, p0, p1, p2, p3, ref d0, ref d1, ref d2, ref d3);
                Feed(x + 8 * W.Count, p0, p1, p2, p3, ref e0, ref e1, ref e2, ref e3);
                Feed(x + 10 * W.Count, p0, p1, p2, p3, ref f0, ref f1, ref f2, ref f3);
                T.LoadPair(w0, out _, out p0);
                T.LoadPair(w1, out _, out p1);
                T.LoadPair(w2, out _, out p2);
                T.LoadPair(w3, out _, out p3);
                Feed(x + W.Count, p0, p1, p2, p3, ref a0, ref a1, ref a2, ref a3);
                Feed(x + 3 * W.Count, p0, p1, p2, p3, ref b0, ref b1, ref b2, ref b3);
                Feed(x + 5 * W.Count, p0, p1, p2, p3, ref c0, ref c1, ref c2, ref c3);
                Feed(x + 7 * W.Count, p0, p1, p2, p3, ref d0, ref d1, ref d2, ref d3);
                Feed(x + 9 * W.Count, p0, p1, p2, p3, ref e0, ref e1, ref e2, ref e3);
                Feed(x + 11 * W.Count, p0, p1, p2, p3, ref f0, ref f1, ref f2, ref f3);
                w0 += pair;
                w1 += pair;
                w2 += pair;
                w3 += pair;
                x += 12 * W.Count;
            }
            if (tail == 0)
                break;
            steps = 1;
            w0 = (byte*)tail;
            w1 = w0 + pair;
            w2 = w1 + pair;
            w3 = w2 + pair;
            tail = 0;
        }
        if (!rows.Ends)
        {
            Save(rows.Partial, a0, a1, a2, a3);
            Save(rows.Partial + 4 * W.Count, b0, b1, b2, b3);
            Save(rows.Partial + 8 * W.Count, c0, c1, c2, c3);
            Save(rows.Partial + 12 * W.Count, d0, d1, d2, d3);
            Save(rows.Partial + 16 * W.Count, e0, e1, e2, e3);
            Save(rows.Partial + 20 * W.Count, f0, f1, f2, f3);
            return;
        }
        Store(y, rows.Valid, a0, a1, a2, a3);
        Store(y + yStride, rows.Valid, b0, b1, b2, b3);
        Store(y + 2 * yStride, rows.Valid, c0, c1, c2, c3);
        Store(y + 3 * yStride, rows.Valid, d0, d1, d2, d3);
        Store(y + 4 * yStride, rows.Valid, e0, e1, e2, e3);
        Store(y + 5 * yStride, rows.Valid, f0, f1, f2, f3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Feed(float* x, V w0, V w1, V w2, V w3, ref V a0, ref V a1, ref V a2, ref V a3)
    {
        var v = W.Load(x);
        a0 = W.MultiplyAdd(w0, v, a0);
        a1 = W.MultiplyAdd(w1, v, a1);
        a2 = W.MultiplyAdd(w2, v, a2);
        a3 = W.MultiplyAdd(w3, v, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Load(float* p, out V a0, out V a1, out V a2, out V a3)
    {
        (a0, a1) = (W.Load(p), W.Load(p + W.Count));
        (a2, a3) = (W.Load(p + 2 * W.Count), W.Load(p + 3 * W.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Save(float* p, V a0, V a1, V a2, V a3)
    {
        W.Store(a0, p);
        W.Store(a1, p + W.Count);
        W.Store(a2, p + 2 * W.Count);
        W.Store(a3, p + 3 * W.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* y, int valid, V a0, V a1, V a2, V a3)
    {
        y[0] = W.Sum(a0) * T.OutputScale;
        if (valid > 1)
            y[1] = W.Sum(a1) * T.OutputScale;
        if (valid > 2)
            y[2] = W.Sum(a2) * T.OutputScale;
        if (valid > 3)
            y[3] = W.Sum(a3) * T.OutputScale;
    }

    /// <summary>Asks for consecutive cache lines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Prefetch(byte* p, int bytes)
    {
        Prefetch(p);
        if (bytes >= 128)
            Prefetch(p + 64);
        if (bytes >= 256)
        {
            Prefetch(p + 128);
            Prefetch(p + 192);
        }
        if (bytes >= 512)
        {
            Prefetch(p + 256);
            Prefetch(p + 320);
            Prefetch(p + 384);
            Prefetch(p + 448);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Prefetch(byte* p)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(p);
    }
}
