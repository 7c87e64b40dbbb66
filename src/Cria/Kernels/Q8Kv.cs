using System.Runtime.CompilerServices;

namespace Cria.Kernels;

/// <summary>
/// Keys and values in 8 bits, the arithmetic of ggml's Q8_0: 32 neighbouring elements of a position share an F16 scale, the largest
/// magnitude / 127. A block holds all its quants first, in the layout of the other formats, and then the scales: [32-group][64] for
/// keys, [64][32-group] for values.
/// </summary>
sealed unsafe class Q8Kv<W, V>(int headSize) : KvFormat(headSize) where W : struct, IWidth<V> where V : struct
{
    const int GroupSize = 32;

    readonly int _groups = headSize % GroupSize == 0 ? headSize / GroupSize
        : throw new CriaException($"a KV cache in Q8_0 needs a head size that is a multiple of {GroupSize}, this model's is {headSize}");

    public override int KeyBytes => BlockPositions * (HeadSize + _groups * sizeof(ushort));

    public override int ValueBytes => KeyBytes;

    ushort* Scales(byte* block) => (ushort*)(block + BlockPositions * HeadSize);

    public override void Write(byte* keys, byte* values, int slot, float* key, float* value)
    {
        for (var group = 0; group < _groups; group++)
        {
            var first = group * GroupSize;
            Quantize(key + first, (sbyte*)keys + first * BlockPositions + slot, BlockPositions, Scales(keys) + group * BlockPositions + slot);
            Quantize(value + first, (sbyte*)values + slot * HeadSize + first, 1, Scales(values) + slot * _groups + group);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Quantize(float* x, sbyte* quants, int stride, ushort* scale)
    {
        var largest = 0f;
        for (var i = 0; i < GroupSize; i++)
            largest = MathF.Max(largest, MathF.Abs(x[i]));
        *scale = BitConverter.HalfToUInt16Bits((Half)(largest / 127));
        var inverse = largest > 0 ? 127 / largest : 0;
        for (var i = 0; i < GroupSize; i++)
            quants[i * stride] = (sbyte)MathF.Round(x[i] * inverse, MidpointRounding.AwayFromZero);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override float* Keys(byte* keys, float* scratch)
    {
        for (var position = 0; position < BlockPositions; position += W.Count)
        {
            var quants = (sbyte*)keys + position;
            var target = scratch + position;
            for (var group = 0; group < _groups; group++)
            {
                var scale = W.WidenF16(Scales(keys) + group * BlockPositions + position);
                for (var i = 0; i < GroupSize; i++, quants += BlockPositions, target += BlockPositions)
                    W.Store(W.Multiply(W.WidenI8(quants), scale), target);
            }
        }
        return scratch;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override float* Values(byte* values, int positions, float* scratch)
    {
        var quants = (sbyte*)values;
        var target = scratch;
        var scales = Scales(values);
        for (var group = 0; group < positions * _groups; group++)
        {
            var scale = W.Broadcast((float)BitConverter.UInt16BitsToHalf(scales[group]));
            for (var i = 0; i < GroupSize; i += W.Count, quants += W.Count, target += W.Count)
                W.Store(W.Multiply(W.WidenI8(quants), scale), target);
        }
        return scratch;
    }
}
