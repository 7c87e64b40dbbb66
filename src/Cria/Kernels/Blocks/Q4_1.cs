using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>d:f16, m:f16 (the value of code 0), 32 codes of 4 bits.</summary>
readonly unsafe struct Q4_1 : IBlockFormat
{
    public static ElementType Type => ElementType.Q4_1;

    public static void Dequantize(byte* block, float* values)
    {
        var codes = stackalloc byte[32];
        BitFields.Unpack(block + 4, 16, 4, codes, 32);
        Levels.Scale((sbyte*)codes, 32, 0, Levels.ReadHalf(block), -Levels.ReadHalf(block + 2), values);
    }

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var codes = stackalloc byte[32];
        var (d, smallest) = Rounding.FromSmallest(values, 4, codes);
        Levels.WriteHalf(block, d);
        Levels.WriteHalf(block + 2, smallest);
        BitFields.Pack(codes, 32, block + 4, 16, 4);
    }
}
