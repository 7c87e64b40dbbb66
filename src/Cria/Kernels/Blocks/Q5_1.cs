using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>d:f16, m:f16 (the value of code 0), the fifth bits of 32 codes, their lower 4 bits.</summary>
readonly unsafe struct Q5_1 : IBlockFormat
{
    public static ElementType Type => ElementType.Q5_1;

    public static void Dequantize(byte* block, float* values)
    {
        var codes = stackalloc byte[32];
        BitFields.Unpack(block + 8, 16, 4, codes, 32);
        BitFields.Unpack(block + 4, 1, 1, codes, 32, at: 4);
        Levels.Scale((sbyte*)codes, 32, 0, Levels.ReadHalf(block), -Levels.ReadHalf(block + 2), values);
    }

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var codes = stackalloc byte[32];
        var (d, smallest) = Rounding.FromSmallest(values, 5, codes);
        Levels.WriteHalf(block, d);
        Levels.WriteHalf(block + 2, smallest);
        BitFields.Pack(codes, 32, block + 4, 1, 1, at: 4);
        BitFields.Pack(codes, 32, block + 8, 16, 4);
    }
}
