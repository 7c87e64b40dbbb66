using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>8 sub-blocks: d:f16, dmin:f16, scales and minima of 6 bits, codes of 4 bits.</summary>
readonly unsafe struct Q4_K : IBlockFormat
{
    const int SubBlocks = 8;

    public static ElementType Type => ElementType.Q4_K;

    public static void Dequantize(byte* block, float* values)
    {
        var codes = stackalloc byte[256];
        var scales = stackalloc byte[2 * SubBlocks];
        SixBitPairs.Unpack(block + 4, scales, scales + SubBlocks);
        BitFields.Unpack(block + 16, 32, 4, codes, 256);
        Levels.Scale(codes, Levels.ReadHalf(block), scales, Levels.ReadHalf(block + 2), scales + SubBlocks, SubBlocks, values);
    }

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var codes = stackalloc byte[256];
        var scales = stackalloc byte[2 * SubBlocks];
        var shape = new BlockShape(SubBlocks, 256 / SubBlocks, 0, 63, 63);
        var (d, dmin) = BlockSearch.Fit(values, weights, new IntegerLevels(0, 15), shape, (sbyte*)scales, scales + SubBlocks, (sbyte*)codes);
        Levels.WriteHalf(block, d);
        Levels.WriteHalf(block + 2, dmin);
        SixBitPairs.Pack(scales, scales + SubBlocks, block + 4);
        BitFields.Pack(codes, 256, block + 16, 32, 4);
    }
}
