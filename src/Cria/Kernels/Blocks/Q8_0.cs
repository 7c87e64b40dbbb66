using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>d:f16, 32 signed bytes.</summary>
readonly unsafe struct Q8_0 : IBlockFormat
{
    public static ElementType Type => ElementType.Q8_0;

    public static void Dequantize(byte* block, float* values) => Levels.Scale((sbyte*)block + 2, 32, 0, Levels.ReadHalf(block), 0, values);

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var largest = 0f;
        for (var i = 0; i < 32; i++)
            largest = MathF.Max(largest, MathF.Abs(values[i]));
        var d = largest / 127;
        var inverse = Rounding.Inverse(d);
        Levels.WriteHalf(block, d);
        for (var i = 0; i < 32; i++)
            ((sbyte*)block)[2 + i] = (sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
    }
}
