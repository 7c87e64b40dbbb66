using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>d:f16, 32 codes of 4 bits around 8.</summary>
readonly unsafe struct Q4_0 : IBlockFormat
{
    public static ElementType Type => ElementType.Q4_0;

    public static void Dequantize(byte* block, float* values)
    {
        var codes = stackalloc byte[32];
        BitFields.Unpack(block + 2, 16, 4, codes, 32);
        Levels.Scale((sbyte*)codes, 32, 8, Levels.ReadHalf(block), 0, values);
    }

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var codes = stackalloc byte[32];
        Levels.WriteHalf(block, Rounding.Symmetric(values, 4, codes));
        BitFields.Pack(codes, 32, block + 2, 16, 4);
    }
}
