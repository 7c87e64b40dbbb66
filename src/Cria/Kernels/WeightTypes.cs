using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>A stored type of weights, read two vectors at a time.</summary>
unsafe interface IWeightType<W, V> where W : struct, IWidth<V> where V : struct
{
    /// <summary>Bytes of one weight.</summary>
    static abstract int Size { get; }

    /// <summary>Whether <see cref="LoadPair"/> gives the odd and the even columns, as the instruction for BF16 takes them, instead of the first and the second half.</summary>
    static abstract bool Deinterleaves { get; }

    /// <summary>Powers of two that activations and outputs are multiplied by, for weights that <see cref="LoadPair"/> gives too small.</summary>
    static virtual float ActivationScale => 1;

    static virtual float OutputScale => 1;

    /// <summary>2 Count consecutive weights of one row.</summary>
    static abstract void LoadPair(byte* p, out V first, out V second);
}

readonly unsafe struct F32Weights<W, V> : IWeightType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static int Size => 4;

    public static bool Deinterleaves => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair(byte* p, out V first, out V second)
    {
        first = W.Load((float*)p);
        second = W.Load((float*)p + W.Count);
    }
}

/// <summary>
/// F16, times 2^-112: normalising every weight took a third of the time of a product (docs/LOG.md). The activations bring 2^88 back, so
/// that neither products nor activations below 2^40 leave the range of float32, the outputs the rest.
/// </summary>
readonly unsafe struct F16Weights<W, V> : IWeightType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static int Size => 2;

    public static bool Deinterleaves => true;

    public static float ActivationScale => 3.0948501e26f; // 2^88

    public static float OutputScale => 1 << 24;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair(byte* p, out V first, out V second) => W.MovePairsF16(p, out second, out first);
}

readonly unsafe struct BF16Weights<W, V> : IWeightType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static int Size => 2;

    public static bool Deinterleaves => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair(byte* p, out V first, out V second) => W.LoadPairsBF16(p, out second, out first);
}
