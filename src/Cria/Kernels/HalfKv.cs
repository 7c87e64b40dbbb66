using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>A 16-bit float type of the KV cache.</summary>
unsafe interface IHalfType<W, V> where W : struct, IWidth<V> where V : struct
{
    static abstract ushort Narrow(float x);
    static abstract V Widen(ushort* p);
}

readonly unsafe struct F16Half<W, V> : IHalfType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static ushort Narrow(float x) => BitConverter.HalfToUInt16Bits((Half)x);

    public static V Widen(ushort* p) => W.WidenF16(p);
}

readonly unsafe struct BF16Half<W, V> : IHalfType<W, V> where W : struct, IWidth<V> where V : struct
{
    public static ushort Narrow(float x) => Blocks.BF16.Narrow(x);

    public static V Widen(ushort* p) => W.WidenBF16(p);
}

/// <summary>Keys and values in a 16-bit float type.</summary>
sealed unsafe class HalfKv<H, W, V>(int headSize) : KvFormat(headSize)
    where H : struct, IHalfType<W, V> where W : struct, IWidth<V> where V : struct
{
    public override int KeyBytes => HeadSize * BlockPositions * sizeof(ushort);

    public override int ValueBytes => ValueStride * BlockPositions * sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Write(byte* keys, byte* values, int slot, float* key, float* value)
    {
        for (var i = 0; i < HeadSize; i++)
        {
            ((ushort*)keys)[i * BlockPositions + slot] = H.Narrow(key[i]);
            ((ushort*)values)[slot * ValueStride + i] = H.Narrow(value[i]);
        }
    }

    public override float* Keys(byte* keys, float* scratch) => Widen(keys, HeadSize * BlockPositions, scratch);

    public override float* Values(byte* values, int positions, float* scratch) => Widen(values, positions * ValueStride, scratch);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float* Widen(byte* source, int count, float* target)
    {
        for (var i = 0; i < count; i += W.Count)
            W.Store(H.Widen((ushort*)source + i), target + i);
        return target;
    }
}
