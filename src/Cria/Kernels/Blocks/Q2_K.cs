using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>16 sub-blocks: scales and minima of 4 bits, codes of 2 bits, d:f16, dmin:f16.</summary>
readonly unsafe struct Q2_K : IBlockFormat
{
    const int SubBlocks = 16;

    public static ElementType Type => ElementType.Q2_K;

    public static void Dequantize(byte* block, float* values)
    {
        var codes = stackalloc byte[256];
        var scales = stackalloc byte[2 * SubBlocks];
        BitFields.Unpack(block, SubBlocks, 4, scales, 2 * SubBlocks);
        BitFields.Unpack(block + 16, 32, 2, codes, 256);
        Levels.Scale(codes, Levels.ReadHalf(block + 80), scales, Levels.ReadHalf(block + 82), scales + SubBlocks, SubBlocks, values);
    }

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var codes = stackalloc byte[256];
        var scales = stackalloc byte[2 * SubBlocks];
        var shape = new BlockShape(SubBlocks, 256 / SubBlocks, 0, 15, 15);
        var (d, dmin) = BlockSearch.Fit(values, weights, new IntegerLevels(0, 3), shape, (sbyte*)scales, scales + SubBlocks, (sbyte*)codes);
        Levels.WriteHalf(block + 80, d);
        Levels.WriteHalf(block + 82, dmin);
        BitFields.Pack(scales, 2 * SubBlocks, block, SubBlocks, 4);
        BitFields.Pack(codes, 256, block + 16, 32, 2);
    }
}
