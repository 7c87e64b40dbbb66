using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels;

/// <summary>Asks for the memory that comes next, line by line while the present is computed.</summary>
unsafe struct Prefetcher(byte* next, byte* end, int step)
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step()
    {
        if (!Sse.IsSupported || next >= end)
            return;
        Sse.Prefetch0(next);
        next += step;
    }
}

/// <summary>
/// The two products of attention for 4 or 12 queries at a time, each with two vectors of keys or values. Every score and every output
/// has one accumulator that is fed in ascending order, so results do not depend on the tile.
/// </summary>
static unsafe class AttentionTiles<T, W, V> where T : struct, IKvType<W, V> where W : struct, IWidth<V> where V : struct
{
    const int Block = KvFormat.BlockPositions;

    /// <summary>Floats from one query's scores to the next's: more than a block, so that they do not meet in the same cache lines.</summary>
    public const int ScoreStride = Block + 16;

    /// <summary>
    /// Dot products of 4 queries, [<paramref name="count"/>][4], with the first <paramref name="positions"/> keys of a block; lanes are
    /// positions. With scales they are multiplied by them, and from the second group on added to those of the groups before.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores4(float* queries, byte* keys, int count, int positions, ref Prefetcher next, float* scales, bool add, float* scores)
    {
        for (var first = 0; first < positions; first += 2 * W.Count)
        {
            V a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
            byte* k = keys + first * T.Size;
            float* q = queries;
            var ahead = next;
            for (var i = count; i > 0; i--, k += Block * T.Size, q += 4)
            {
                ahead.Step();
                var (k0, k1) = (T.Load(k), T.Load(k + W.Count * T.Size));
                Feed(W.Broadcast(q[0]), k0, k1, ref a0, ref a1);
                Feed(W.Broadcast(q[1]), k0, k1, ref b0, ref b1);
                Feed(W.Broadcast(q[2]), k0, k1, ref c0, ref c1);
                Feed(W.Broadcast(q[3]), k0, k1, ref d0, ref d1);
            }
            next = ahead;
            var s = scores + first;
            if (scales != null)
            {
                var (s0, s1) = (W.Load(scales + first), W.Load(scales + first + W.Count));
                Scale(s, add, s0, s1, ref a0, ref a1);
                Scale(s + ScoreStride, add, s0, s1, ref b0, ref b1);
                Scale(s + 2 * ScoreStride, add, s0, s1, ref c0, ref c1);
                Scale(s + 3 * ScoreStride, add, s0, s1, ref d0, ref d1);
            }
            Store(s, a0, a1);
            Store(s + ScoreStride, b0, b1);
            Store(s + 2 * ScoreStride, c0, c1);
            Store(s + 3 * ScoreStride, d0, d1);
        }
    }

    /// <summary>The same for 12 queries, [<paramref name="count"/>][12].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores12(float* queries, byte* keys, int count, int positions, float* scales, bool add, float* scores)
    {
        for (var first = 0; first < positions; first += 2 * W.Count)
        {
            V a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
            V e0 = default, e1 = default, f0 = default, f1 = default, g0 = default, g1 = default, h0 = default, h1 = default;
            V i0 = default, i1 = default, j0 = default, j1 = default, l0 = default, l1 = default, m0 = default, m1 = default;
            byte* k = keys + first * T.Size;
            float* q = queries;
            for (var i = count; i > 0; i--, k += Block * T.Size, q += 12)
            {
                var (k0, k1) = (T.Load(k), T.Load(k + W.Count * T.Size));
                Feed(W.Broadcast(q[0]), k0, k1, ref a0, ref a1);
                Feed(W.Broadcast(q[1]), k0, k1, ref b0, ref b1);
                Feed(W.Broadcast(q[2]), k0, k1, ref c0, ref c1);
                Feed(W.Broadcast(q[3]), k0, k1, ref d0, ref d1);
                Feed(W.Broadcast(q[4]), k0, k1, ref e0, ref e1);
                Feed(W.Broadcast(q[5]), k0, k1, ref f0, ref f1);
                Feed(W.Broadcast(q[6]), k0, k1, ref g0, ref g1);
                Feed(W.Broadcast(q[7]), k0, k1, ref h0, ref h1);
                Feed(W.Broadcast(q[8]), k0, k1, ref i0, ref i1);
                Feed(W.Broadcast(q[9]), k0, k1, ref j0, ref j1);
                Feed(W.Broadcast(q[10]), k0, k1, ref l0, ref l1);
                Feed(W.Broadcast(q[11]), k0, k1, ref m0, ref m1);
            }
            var s = scores + first;
            if (scales != null)
            {
                var (s0, s1) = (W.Load(scales + first), W.Load(scales + first + W.Count));
                Scale(s, add, s0, s1, ref a0, ref a1);
                Scale(s + ScoreStride, add, s0, s1, ref b0, ref b1);
                Scale(s + 2 * ScoreStride, add, s0, s1, ref c0, ref c1);
                Scale(s + 3 * ScoreStride, add, s0, s1, ref d0, ref d1);
                Scale(s + 4 * ScoreStride, add, s0, s1, ref e0, ref e1);
                Scale(s + 5 * ScoreStride, add, s0, s1, ref f0, ref f1);
                Scale(s + 6 * ScoreStride, add, s0, s1, ref g0, ref g1);
                Scale(s + 7 * ScoreStride, add, s0, s1, ref h0, ref h1);
                Scale(s + 8 * ScoreStride, add, s0, s1, ref i0, ref i1);
                Scale(s + 9 * ScoreStride, add, s0, s1, ref j0, ref j1);
                Scale(s + 10 * ScoreStride, add, s0, s1, ref l0, ref l1);
                Scale(s + 11 * ScoreStride, add, s0, s1, ref m0, ref m1);
            }
            Store(s, a0, a1);
            Store(s + ScoreStride, b0, b1);
            Store(s + 2 * ScoreStride, c0, c1);
            Store(s + 3 * ScoreStride, d0, d1);
            Store(s + 4 * ScoreStride, e0, e1);
            Store(s + 5 * ScoreStride, f0, f1);
            Store(s + 6 * ScoreStride, g0, g1);
            Store(s + 7 * ScoreStride, h0, h1);
            Store(s + 8 * ScoreStride, i0, i1);
            Store(s + 9 * ScoreStride, j0, j1);
            Store(s + 10 * ScoreStride, l0, l1);
            Store(s + 11 * ScoreStride, m0, m1);
        }
    }

    /// <summary>
    /// output = output * correction (a vector a query) + weights · values for 4 queries and <paramref name="count"/> elements of the values, over the first
    /// <paramref name="positions"/> of a block; rows of values and of outputs are <paramref name="stride"/> elements apart.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values4(float* weights, float* corrections, byte* values, int stride, int count, int positions, ref Prefetcher next, float* output)
    {
        for (var first = 0; first < count; first += 2 * W.Count)
        {
            var o = output + first;
            LoadScaled(o, corrections, out var a0, out var a1);
            LoadScaled(o + stride, corrections + W.Count, out var b0, out var b1);
            LoadScaled(o + 2 * stride, corrections + 2 * W.Count, out var c0, out var c1);
            LoadScaled(o + 3 * stride, corrections + 3 * W.Count, out var d0, out var d1);
            byte* v = values + first * T.Size;
            float* w = weights;
            var ahead = next;
            for (var i = positions; i > 0; i--, v += stride * T.Size, w++)
            {
                ahead.Step();
                var (v0, v1) = (T.Load(v), T.Load(v + W.Count * T.Size));
                Feed(W.Broadcast(w[0]), v0, v1, ref a0, ref a1);
                Feed(W.Broadcast(w[ScoreStride]), v0, v1, ref b0, ref b1);
                Feed(W.Broadcast(w[2 * ScoreStride]), v0, v1, ref c0, ref c1);
                Feed(W.Broadcast(w[3 * ScoreStride]), v0, v1, ref d0, ref d1);
            }
            next = ahead;
            Store(o, a0, a1);
            Store(o + stride, b0, b1);
            Store(o + 2 * stride, c0, c1);
            Store(o + 3 * stride, d0, d1);
        }
    }

    /// <summary>The same for 12 queries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values12(float* weights, float* corrections, byte* values, int stride, int count, int positions, float* output)
    {
        for (var first = 0; first < count; first += 2 * W.Count)
        {
            var o = output + first;
            LoadScaled(o, corrections, out var a0, out var a1);
            LoadScaled(o + stride, corrections + W.Count, out var b0, out var b1);
            LoadScaled(o + 2 * stride, corrections + 2 * W.Count, out var c0, out var c1);
            LoadScaled(o + 3 * stride, corrections + 3 * W.Count, out var d0, out var d1);
            LoadScaled(o + 4 * stride, corrections + 4 * W.Count, out var e0, out var e1);
            LoadScaled(o + 5 * stride, corrections + 5 * W.Count, out var f0, out var f1);
            LoadScaled(o + 6 * stride, corrections + 6 * W.Count, out var g0, out var g1);
            LoadScaled(o + 7 * stride, corrections + 7 * W.Count, out var h0, out var h1);
            LoadScaled(o + 8 * stride, corrections + 8 * W.Count, out var i0, out var i1);
            LoadScaled(o + 9 * stride, corrections + 9 * W.Count, out var j0, out var j1);
            LoadScaled(o + 10 * stride, corrections + 10 * W.Count, out var l0, out var l1);
            LoadScaled(o + 11 * stride, corrections + 11 * W.Count, out var m0, out var m1);
            byte* v = values + first * T.Size;
            float* w = weights;
            for (var i = positions; i > 0; i--, v += stride * T.Size, w++)
            {
                var (v0, v1) = (T.Load(v), T.Load(v + W.Count * T.Size));
                Feed(W.Broadcast(w[0]), v0, v1, ref a0, ref a1);
                Feed(W.Broadcast(w[ScoreStride]), v0, v1, ref b0, ref b1);
                Feed(W.Broadcast(w[2 * ScoreStride]), v0, v1, ref c0, ref c1);
                Feed(W.Broadcast(w[3 * ScoreStride]), v0, v1, ref d0, ref d1);
                Feed(W.Broadcast(w[4 * ScoreStride]), v0, v1, ref e0, ref e1);
                Feed(W.Broadcast(w[5 * ScoreStride]), v0, v1, ref f0, ref f1);
                Feed(W.Broadcast(w[6 * ScoreStride]), v0, v1, ref g0, ref g1);
                Feed(W.Broadcast(w[7 * ScoreStride]), v0, v1, ref h0, ref h1);
                Feed(W.Broadcast(w[8 * ScoreStride]), v0, v1, ref i0, ref i1);
                Feed(W.Broadcast(w[9 * ScoreStride]), v0, v1, ref j0, ref j1);
                Feed(W.Broadcast(w[10 * ScoreStride]), v0, v1, ref l0, ref l1);
                Feed(W.Broadcast(w[11 * ScoreStride]), v0, v1, ref m0, ref m1);
            }
            Store(o, a0, a1);
            Store(o + stride, b0, b1);
            Store(o + 2 * stride, c0, c1);
            Store(o + 3 * stride, d0, d1);
            Store(o + 4 * stride, e0, e1);
            Store(o + 5 * stride, f0, f1);
            Store(o + 6 * stride, g0, g1);
            Store(o + 7 * stride, h0, h1);
            Store(o + 8 * stride, i0, i1);
            Store(o + 9 * stride, j0, j1);
            Store(o + 10 * stride, l0, l1);
            Store(o + 11 * stride, m0, m1);
        }
    }

    /// <summary>output += weights · values for one query and the positions [<paramref name="from"/>, <paramref name="end"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values1(float* weights, byte* values, int stride, int count, int from, int end, float* output)
    {
        for (var position = from; position < end; position++)
        {
            var weight = W.Broadcast(weights[position]);
            var v = values + position * stride * T.Size;
            for (var i = 0; i < count; i += W.Count)
                W.Store(W.MultiplyAdd(weight, T.Load(v + i * T.Size), W.Load(output + i)), output + i);
        }
    }

    /// <summary>Elements as float32, still without the scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(byte* source, int count, float* target)
    {
        for (var i = 0; i < count; i += W.Count)
            W.Store(T.Load(source + i * T.Size), target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Feed(V weight, V v0, V v1, ref V a0, ref V a1)
    {
        a0 = W.MultiplyAdd(weight, v0, a0);
        a1 = W.MultiplyAdd(weight, v1, a1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Scale(float* scores, bool add, V scale0, V scale1, ref V a0, ref V a1)
    {
        (a0, a1) = (W.Multiply(a0, scale0), W.Multiply(a1, scale1));
        if (add)
            (a0, a1) = (W.Add(W.Load(scores), a0), W.Add(W.Load(scores + W.Count), a1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void LoadScaled(float* p, float* factor, out V v0, out V v1)
    {
        var f = W.Load(factor);
        (v0, v1) = (W.Multiply(W.Load(p), f), W.Multiply(W.Load(p + W.Count), f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* p, V v0, V v1)
    {
        W.Store(v0, p);
        W.Store(v1, p + W.Count);
    }
}
