using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>A run of query rows of one sequence at neighbouring positions, and the one kv head their heads share.</summary>
unsafe struct AttentionTask
{
    /// <summary>The first head of the group in the first row; [rows][<see cref="Group"/>][head size], rows <see cref="Stride"/> apart.</summary>
    public float* Queries, Output;
    public nint Stride;

    /// <summary>Rows, and query heads on this kv head.</summary>
    public int Rows, Group;

    /// <summary>Position of the first row.</summary>
    public int Position;

    /// <summary>The sequence's pages, one per 64 positions, and where in a page this layer's keys and values of this head lie.</summary>
    public nint[] Pages;
    public nint KeyOffset, ValueOffset;
}

/// <summary>
/// Causal attention of a group of query heads on one kv head, softmax(q Kᵀ / sqrt(d)) V with the softmax computed online (Milakov and
/// Gimelshein 2018) over blocks of 64 positions. Blocks begin at multiples of 64 whatever the caller's chunks are, every output has
/// its own accumulator over ascending positions, and a masked position is not added at all: a row's result depends on its sequence only.
/// </summary>
static unsafe class Attention<W, V> where W : struct, IWidth<V> where V : struct
{
    const int Block = KvFormat.BlockPositions;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in AttentionTask task, KvFormat format, float* scratch)
    {
        var (d, stride, queries) = (format.HeadSize, format.ValueStride, task.Rows * task.Group);
        var keyScratch = scratch;
        var valueScratch = keyScratch + d * Block;
        var scores = valueScratch + stride * Block;
        var output = scores + 4 * Block;
        var max = output + queries * stride;
        var sum = max + queries;
        new Span<float>(max, queries).Fill(float.NegativeInfinity);
        new Span<float>(sum, queries).Clear();
        new Span<float>(output, queries * stride).Clear();

        var scale = 1 / MathF.Sqrt(d);
        var end = task.Position + task.Rows;
        for (var start = 0; start < end; start += Block)
        {
            var page = (byte*)task.Pages[start / Block];
            var keys = format.Keys(page + task.KeyOffset, keyScratch);
            var values = format.Values(page + task.ValueOffset, Math.Min(Block, end - start), valueScratch);
            var firstRow = Math.Max(0, start - task.Position);
            for (var query = firstRow * task.Group; query < queries; query += 4)
            {
                var tile = new Tile { Count = Math.Min(4, queries - query), Values = values, ValueStride = stride };
                for (var i = 0; i < 4; i++)
                {
                    var q = query + Math.Min(i, tile.Count - 1);
                    tile.Queries[i] = (nint)(task.Queries + q / task.Group * task.Stride + q % task.Group * d);
                    tile.Weights[i] = (nint)(scores + (q - query) * Block);
                    tile.Outputs[i] = (nint)(output + q * stride);
                    tile.Visible[i] = Math.Min(Block, task.Position + q / task.Group + 1 - start);
                }
                Scores(tile, keys, d);
                for (var i = 0; i < tile.Count; i++)
                    tile.Corrections[i] = Softmax((float*)tile.Weights[i], tile.Visible[i], scale, ref max[query + i], ref sum[query + i]);
                for (var i = tile.Count; i < 4; i++)
                    tile.Corrections[i] = tile.Corrections[tile.Count - 1];
                WeighValues(tile);
            }
        }

        for (var query = 0; query < queries; query++)
            Divide(output + query * stride, sum[query], d, task.Output + query / task.Group * task.Stride + query % task.Group * d);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Divide(float* x, float divisor, int count, float* y)
    {
        var i = 0;
        for (var divisors = W.Broadcast(divisor); i <= count - W.Count; i += W.Count)
            W.Store(W.Divide(W.Load(x + i), divisors), y + i);
        for (; i < count; i++)
            y[i] = x[i] / divisor;
    }

    /// <summary>Floats of scratch memory that a task of <paramref name="queries"/> rows times heads needs.</summary>
    public static int ScratchFloats(KvFormat format, int queries) =>
        (format.HeadSize + format.ValueStride + 4) * Block + queries * (format.ValueStride + 2);

    [InlineArray(4)]
    struct Four<T>
    {
        T _first;
    }

    /// <summary>Up to four queries that are computed together; where there are fewer, the last is repeated.</summary>
    struct Tile
    {
        public int Count;
        public Four<nint> Queries, Weights, Outputs;
        public Four<int> Visible;
        public Four<float> Corrections;
        public float* Values;
        public int ValueStride;
    }

    /// <summary>Dot products of four queries with all 64 keys of a block; lanes are positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Scores(in Tile tile, float* keys, int headSize)
    {
        float* qa = (float*)tile.Queries[0], qb = (float*)tile.Queries[1], qc = (float*)tile.Queries[2], qd = (float*)tile.Queries[3];
        float* sa = (float*)tile.Weights[0], sb = (float*)tile.Weights[1], sc = (float*)tile.Weights[2], sd = (float*)tile.Weights[3];
        for (var first = 0; first < Block; first += 4 * W.Count)
        {
            V a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
            V c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
            var k = keys + first;
            for (var i = 0; i < headSize; i++, k += Block)
            {
                var (k0, k1, k2, k3) = (W.Load(k), W.Load(k + W.Count), W.Load(k + 2 * W.Count), W.Load(k + 3 * W.Count));
                Feed(W.Broadcast(qa[i]), k0, k1, k2, k3, ref a0, ref a1, ref a2, ref a3);
                Feed(W.Broadcast(qb[i]), k0, k1, k2, k3, ref b0, ref b1, ref b2, ref b3);
                Feed(W.Broadcast(qc[i]), k0, k1, k2, k3, ref c0, ref c1, ref c2, ref c3);
                Feed(W.Broadcast(qd[i]), k0, k1, k2, k3, ref d0, ref d1, ref d2, ref d3);
            }
            Store(sa + first, a0, a1, a2, a3);
            Store(sb + first, b0, b1, b2, b3);
            Store(sc + first, c0, c1, c2, c3);
            Store(sd + first, d0, d1, d2, d3);
        }
    }

    /// <summary>
    /// Turns the first <paramref name="visible"/> scores into weights relative to the new maximum, the rest into 0; returns the factor
    /// that brings what was summed before to the new maximum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Softmax(float* scores, int visible, float scale, ref float max, ref float sum)
    {
        var lowest = W.Broadcast(float.NegativeInfinity);
        var largest = lowest;
        for (var i = 0; i < visible; i += W.Count)
            largest = W.Max(largest, W.First(visible - i, W.Load(scores + i), lowest));
        var newMax = MathF.Max(max, W.HorizontalMax(largest) * scale);
        var correction = MathF.Exp(max - newMax);

        V total = default;
        var (scales, shift) = (W.Broadcast(scale), W.Broadcast(-newMax));
        for (var i = 0; i < visible; i += W.Count)
        {
            var weights = W.First(visible - i, RowOperations<W, V>.Exp(W.MultiplyAdd(W.Load(scores + i), scales, shift)), default);
            W.Store(weights, scores + i);
            total = W.Add(total, weights);
        }
        max = newMax;
        sum = sum * correction + W.Sum(total);
        return correction;
    }

    /// <summary>output = output * correction + weights · values, four vectors of the head at a time and one at a time for the rest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void WeighValues(in Tile tile)
    {
        var together = tile.Visible[0] == tile.Visible[3] && tile.Count > 1;
        var dimension = 0;
        for (; dimension <= tile.ValueStride - 4 * W.Count; dimension += 4 * W.Count)
        {
            if (together)
                FourQueries(tile, dimension);
            else
                for (var i = 0; i < tile.Count; i++)
                    OneQuery(tile, i, dimension);
        }
        for (; dimension < tile.ValueStride; dimension += W.Count)
            for (var i = 0; i < tile.Count; i++)
                OneQueryOneVector(tile, i, dimension);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void FourQueries(in Tile tile, int dimension)
    {
        float* wa = (float*)tile.Weights[0], wb = (float*)tile.Weights[1], wc = (float*)tile.Weights[2], wd = (float*)tile.Weights[3];
        float* oa = (float*)tile.Outputs[0] + dimension, ob = (float*)tile.Outputs[1] + dimension;
        float* oc = (float*)tile.Outputs[2] + dimension, od = (float*)tile.Outputs[3] + dimension;
        LoadScaled(oa, tile.Corrections[0], out var a0, out var a1, out var a2, out var a3);
        LoadScaled(ob, tile.Corrections[1], out var b0, out var b1, out var b2, out var b3);
        LoadScaled(oc, tile.Corrections[2], out var c0, out var c1, out var c2, out var c3);
        LoadScaled(od, tile.Corrections[3], out var d0, out var d1, out var d2, out var d3);
        var (v, stride, visible) = ((nint)(tile.Values + dimension), tile.ValueStride * sizeof(float), tile.Visible[0]);
        for (var i = 0; i < visible; i++, v += stride)
        {
            var p = (float*)v;
            var (v0, v1, v2, v3) = (W.Load(p), W.Load(p + W.Count), W.Load(p + 2 * W.Count), W.Load(p + 3 * W.Count));
            Feed(W.Broadcast(wa[i]), v0, v1, v2, v3, ref a0, ref a1, ref a2, ref a3);
            Feed(W.Broadcast(wb[i]), v0, v1, v2, v3, ref b0, ref b1, ref b2, ref b3);
            Feed(W.Broadcast(wc[i]), v0, v1, v2, v3, ref c0, ref c1, ref c2, ref c3);
            Feed(W.Broadcast(wd[i]), v0, v1, v2, v3, ref d0, ref d1, ref d2, ref d3);
        }
        Store(oa, a0, a1, a2, a3);
        Store(ob, b0, b1, b2, b3);
        Store(oc, c0, c1, c2, c3);
        Store(od, d0, d1, d2, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void OneQuery(in Tile tile, int query, int dimension)
    {
        var weights = (float*)tile.Weights[query];
        var output = (float*)tile.Outputs[query] + dimension;
        LoadScaled(output, tile.Corrections[query], out var a0, out var a1, out var a2, out var a3);
        var v = tile.Values + dimension;
        var visible = tile.Visible[query];
        for (var i = 0; i < visible; i++, v += tile.ValueStride)
            Feed(W.Broadcast(weights[i]), W.Load(v), W.Load(v + W.Count), W.Load(v + 2 * W.Count), W.Load(v + 3 * W.Count), ref a0, ref a1, ref a2, ref a3);
        Store(output, a0, a1, a2, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void OneQueryOneVector(in Tile tile, int query, int dimension)
    {
        var weights = (float*)tile.Weights[query];
        var output = (float*)tile.Outputs[query] + dimension;
        var a = W.Multiply(W.Load(output), W.Broadcast(tile.Corrections[query]));
        var v = tile.Values + dimension;
        var visible = tile.Visible[query];
        for (var i = 0; i < visible; i++, v += tile.ValueStride)
            a = W.MultiplyAdd(W.Broadcast(weights[i]), W.Load(v), a);
        W.Store(a, output);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Feed(V weight, V v0, V v1, V v2, V v3, ref V a0, ref V a1, ref V a2, ref V a3)
    {
        a0 = W.MultiplyAdd(weight, v0, a0);
        a1 = W.MultiplyAdd(weight, v1, a1);
        a2 = W.MultiplyAdd(weight, v2, a2);
        a3 = W.MultiplyAdd(weight, v3, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void LoadScaled(float* p, float factor, out V v0, out V v1, out V v2, out V v3)
    {
        var f = W.Broadcast(factor);
        (v0, v1) = (W.Multiply(W.Load(p), f), W.Multiply(W.Load(p + W.Count), f));
        (v2, v3) = (W.Multiply(W.Load(p + 2 * W.Count), f), W.Multiply(W.Load(p + 3 * W.Count), f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* p, V v0, V v1, V v2, V v3)
    {
        W.Store(v0, p);
        W.Store(v1, p + W.Count);
        W.Store(v2, p + 2 * W.Count);
        W.Store(v3, p + 3 * W.Count);
    }
}
