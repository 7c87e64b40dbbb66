using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels.Emitted;

/// <summary>The two products of attention in BF16: a block of 64 positions for many queries. Queries and weights are rounded, sums are float32.</summary>
static unsafe class PairAttention
{
    /// <summary>Queries of a tile: whole tiles of both products, few enough to stay in the first-level cache beside keys and values.</summary>
    public const int TileQueries = 30;

    const int Block = KvFormat.BlockPositions, Lanes = 16;

    static readonly Vector512<ushort> Low = Interleaved(0), High = Interleaved(16), Upper = Vector512.Create((ushort)2) * Vector512<ushort>.Indices + Vector512.Create((ushort)1);

    /// <summary>Vectors of 16 columns, of which the last may be part of what is behind a value.</summary>
    public static int Vectors(int headSize) => (headSize + Lanes - 1) / Lanes;

    /// <summary>Pairs of elements of a query or a key.</summary>
    public static int Pairs(int headSize) => (headSize + 1) / 2;

    /// <summary>Rounds a query times a factor; a pair that is not full is filled with zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackQuery(float* query, int headSize, float factor, ushort* target)
    {
        target[2 * Pairs(headSize) - 1] = 0;
        for (var d = 0; d < headSize; d++)
            target[d] = Blocks.BF16.Narrow(query[d] * factor);
    }

    /// <summary>Keys [head size][64] to [pairs][64][2].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackKeys(ushort* keys, int headSize, ushort* target)
    {
        for (var d = 0; d < headSize; d += 2, keys += 2 * Block)
            for (var i = 0; i < Block; i += 2 * Lanes, target += 4 * Lanes)
                Interleave(Vector512.Load(keys + i), d + 1 < headSize ? Vector512.Load(keys + Block + i) : default, target);
    }

    /// <summary>The first values of a block, <paramref name="stride"/> elements apart, to [32 pairs of positions][columns][2]; the others become zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackValues(ushort* values, int stride, int positions, int vectors, ushort* target)
    {
        for (var position = 0; position < positions; position += 2, values += 2 * stride, target += vectors * 2 * Lanes)
            for (var i = 0; i < vectors * Lanes; i += 2 * Lanes)
            {
                // Strides are whole steps of 32, so the last step reads and writes no further than rows go; what it writes too much the next row replaces.
                Interleave(Vector512.Load(values + i), position + 1 < positions ? Vector512.Load(values + stride + i) : default, target + 2 * i);
            }
    }

    /// <summary>scores [queries][stride] = queries [queries][pairs] · keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores(ushort* queries, int count, int pairs, ushort* keys, float* scores, int stride)
    {
        var tile = new PairTile { A = (byte*)queries, ABytes = pairs * sizeof(int), B = (byte*)keys, BBytes = Block * sizeof(int), Steps = pairs, C = scores, CBytes = stride * sizeof(float) };
        for (var left = count; left > 0; left -= PairKernel.MostRows)
        {
            PairKernel.Multiply(&tile, Math.Min(left, PairKernel.MostRows));
            tile.A += PairKernel.MostRows * tile.ABytes;
            tile.C += PairKernel.MostRows * stride;
        }
    }

    /// <summary>
    /// Turns the first <paramref name="visible"/> scores of a block into weights relative to the new maximum, rounded, where they are; the others become zero.
    /// <paramref name="correction"/> is the factor that brings what was summed before to the new maximum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Softmax(float* scores, int visible, float* max, float* sums, float* correction)
    {
        if (visible == 0)
        {
            new Span<ushort>(scores, Block).Clear();
            Vector512<float>.One.Store(correction);
            return;
        }
        var (a, b, c, d) = (Load(scores, 0, visible), Load(scores, 1, visible), Load(scores, 2, visible), Load(scores, 3, visible));
        var shift = Vector512.Create(*max);
        var factor = Vector512<float>.One;
        var largest = Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d));
        if (Vector512.GreaterThanAny(largest, shift))
        {
            *max = MathF.Max(*max, Width512.HorizontalMax(largest));
            var before = shift;
            shift = Vector512.Create(*max);
            factor = Exp2(before - shift);
        }
        (a, b, c, d) = (Exp2(a - shift), Exp2(b - shift), Exp2(c - shift), Exp2(d - shift));
        Vector512.FusedMultiplyAdd(Vector512.Load(sums), factor, a + b + (c + d)).Store(sums);
        factor.Store(correction);
        Narrow(a, b, (ushort*)scores);
        Narrow(c, d, (ushort*)scores + 2 * Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Load(float* scores, int vector, int visible) => visible >= (vector + 1) * Lanes ? Vector512.Load(scores + vector * Lanes)
        : Width512.First(visible - vector * Lanes, Vector512.Load(scores + vector * Lanes), Vector512.Create(float.NegativeInfinity));

    /// <summary>2^x for x at most 0, within 8e-5 of itself: a minimax polynomial for the fraction. Less than rounding to BF16 does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Exp2(Vector512<float> x)
    {
        const byte floor = 9;
        var fraction = Avx512DQ.Reduce(x, floor);
        var p = Vector512.FusedMultiplyAdd(fraction, Vector512.Create(0.0780245227f), Vector512.Create(0.226067155f));
        p = Vector512.FusedMultiplyAdd(p, fraction, Vector512.Create(0.695833541f));
        p = Vector512.FusedMultiplyAdd(p, fraction, Vector512.Create(0.999925219f));
        return Avx512F.Scale(p, x);
    }

    /// <summary>Rounds to the nearest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Narrow(Vector512<float> a, Vector512<float> b, ushort* target)
    {
        var half = Vector512.Create(0x8000u);
        Avx512BW.PermuteVar32x16x2((a.AsUInt32() + half).AsUInt16(), Upper, (b.AsUInt32() + half).AsUInt16()).Store(target);
    }

    /// <summary>output [queries][stride] = output * corrections (16 floats apart) + weights · values over so many pairs of positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values(float* weights, int weightStride, int count, int pairs, float* corrections, ushort* values, int vectors, float* output, int stride)
    {
        var blocks = (vectors + PairKernel.MostVectors - 1) / PairKernel.MostVectors;
        var most = (vectors + blocks - 1) / blocks;
        for (var first = 0; first < vectors; first += most)
        {
            var width = Math.Min(most, vectors - first);
            var rows = PairKernel.RowsOf(width);
            var tile = new PairTile
            {
                A = (byte*)weights,
                ABytes = weightStride * sizeof(float),
                B = (byte*)(values + first * 2 * Lanes),
                BBytes = vectors * Lanes * sizeof(int),
                Steps = pairs,
                C = output + first * Lanes,
                CBytes = stride * sizeof(float),
                Factors = corrections,
            };
            for (var left = count; left > 0; left -= rows)
            {
                PairKernel.MultiplyAdd(&tile, Math.Min(left, rows), width);
                tile.A += rows * tile.ABytes;
                tile.C += rows * stride;
                tile.Factors += rows * Lanes;
            }
        }
    }

    /// <summary>32 pairs out of two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Interleave(Vector512<ushort> first, Vector512<ushort> second, ushort* target)
    {
        Avx512BW.PermuteVar32x16x2(first, Low, second).Store(target);
        Avx512BW.PermuteVar32x16x2(first, High, second).Store(target + 2 * Lanes);
    }

    /// <summary>Words from <paramref name="first"/> on of two vectors in turns.</summary>
    static Vector512<ushort> Interleaved(int first)
    {
        var indices = new ushort[32];
        for (var i = 0; i < 32; i++)
            indices[i] = (ushort)(first + i / 2 + i % 2 * 32);
        return Vector512.Create(indices);
    }
}
