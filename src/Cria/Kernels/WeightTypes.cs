using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>A stored type of weights, read two vectors at a time.</summary>
unsafe interface IWeightType<W, V> where W : struct, IWidth<V> where V : struct
{
    /// <summary>Bytes of one weight.</summary>
    static abstract int Size { get; }

    /// <summary>Whether <see cref="LoadPair"/> gives the odd and the even columns, as the instruction for BF16 takes them, instead of the first and the second half.</summary>
    static abstract bool Deinterleaves { get; }

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

readonly unsafe struct F16Weights<W, V> : IWeightType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static int Size => 2;

    public static bool Deinterleaves => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair(byte* p, out V first, out V second) => W.LoadPairsF16(p, out second, out first);
}

readonly unsafe struct BF16Weights<W, V> : IWeightType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static int Size => 2;

    public static bool Deinterleaves => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair(byte* p, out V first, out V second) => W.LoadPairsBF16(p, out second, out first);
}
