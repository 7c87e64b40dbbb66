using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>Elements of a position that share a scale, in types that have scales.</summary>
static class KvGroup
{
    public const int Size = 32;
}

/// <summary>An element type of the KV cache: its elements as float32 are <see cref="Load"/> times <see cref="Scale"/> times the group's scale.</summary>
unsafe interface IKvType<W, V> where W : struct, IWidth<V> where V : struct
{
    /// <summary>Bytes of an element.</summary>
    static abstract int Size { get; }

    /// <summary>A power of two that queries and weights are multiplied by instead of every element.</summary>
    static abstract float Scale { get; }

    /// <summary>Whether groups of elements have a scale.</summary>
    static abstract bool HasScales { get; }

    /// <summary>Count elements.</summary>
    static abstract V Load(byte* p);

    /// <summary>Stores a group of elements, <paramref name="stride"/> elements apart, and its scale if it has one.</summary>
    static abstract void Write(float* x, int count, byte* target, int stride, ushort* scale);
}

readonly unsafe struct F32Kv<W, V> : IKvType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static int Size => sizeof(float);

    public static float Scale => 1;

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(byte* p) => W.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(float* x, int count, byte* target, int stride, ushort* scale)
    {
        for (var i = 0; i < count; i++)
            ((float*)target)[i * stride] = x[i];
    }
}

readonly unsafe struct BF16Kv<W, V> : IKvType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static int Size => sizeof(ushort);

    public static float Scale => 1;

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(byte* p) => W.WidenBF16((ushort*)p);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(float* x, int count, byte* target, int stride, ushort* scale)
    {
        for (var i = 0; i < count; i++)
            ((ushort*)target)[i * stride] = Blocks.BF16.Narrow(x[i]);
    }
}

/// <summary>F16, whose exponent is left 112 too small by <see cref="Load"/>.</summary>
readonly unsafe struct F16Kv<W, V> : IKvType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static int Size => sizeof(ushort);

    public static float Scale => 5.192296858534828e33f; // 2^112

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(byte* p) => W.MoveF16((ushort*)p);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(float* x, int count, byte* target, int stride, ushort* scale)
    {
        for (var i = 0; i < count; i++)
            ((ushort*)target)[i * stride] = BitConverter.HalfToUInt16Bits((Half)x[i]);
    }
}

/// <summary>The arithmetic of ggml's Q8_0: the scale of a group is its largest magnitude / 127, in F16.</summary>
readonly unsafe struct Q8Kv<W, V> : IKvType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static int Size => 1;

    public static float Scale => 1;

    public static bool HasScales => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(byte* p) => W.WidenI8((sbyte*)p);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(float* x, int count, byte* target, int stride, ushort* scale)
    {
        var largest = 0f;
        for (var i = 0; i < count; i++)
            largest = MathF.Max(largest, MathF.Abs(x[i]));
        *scale = BitConverter.HalfToUInt16Bits((Half)(largest / 127));
        var inverse = largest > 0 ? 127 / largest : 0;
        for (var i = 0; i < count; i++)
            ((sbyte*)target)[i * stride] = (sbyte)MathF.Round(x[i] * inverse, MidpointRounding.AwayFromZero);
    }
}
