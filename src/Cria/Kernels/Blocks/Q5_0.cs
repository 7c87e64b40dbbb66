using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>d:f16, the fifth bits of 32 codes around 16, their lower 4 bits.</summary>
readonly unsafe struct Q5_0 : IBlockFormat
{
    public static ElementType Type => ElementType.Q5_0;

    public static void Dequantize(byte* block, float* values)
    {
        var codes = stackalloc byte[32];
        BitFields.Unpack(block + 6, 16, 4, codes, 32);
        BitFields.Unpack(block + 2, 1, 1, codes, 32, at: 4);
        Levels.Scale((sbyte*)codes, 32, 16, Levels.ReadHalf(block), 0, values);
    }

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var codes = stackalloc byte[32];
        Levels.WriteHalf(block, Rounding.Symmetric(values, 5, codes));
        BitFields.Pack(codes, 32, block + 2, 1, 1, at: 4);
        BitFields.Pack(codes, 32, block + 6, 16, 4);
    }
}
