using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>16 sub-blocks: the third bits of codes around 4, their lower 2 bits, scales of 6 bits around 32, d:f16.</summary>
readonly unsafe struct Q3_K : IBlockFormat
{
    const int SubBlocks = 16;

    public static ElementType Type => ElementType.Q3_K;

    public static void Dequantize(byte* block, float* values)
    {
        var codes = stackalloc byte[256];
        var scales = stackalloc byte[SubBlocks];
        BitFields.Unpack(block + 32, 32, 2, codes, 256);
        BitFields.Unpack(block, 32, 1, codes, 256, at: 2);
        BitFields.Unpack(block + 96, 8, 4, scales, SubBlocks);
        BitFields.Unpack(block + 104, 4, 2, scales, SubBlocks, at: 4);
        for (var j = 0; j < SubBlocks; j++)
            scales[j] -= 32;
        Levels.Scale((sbyte*)codes, 4, Levels.ReadHalf(block + 108), (sbyte*)scales, SubBlocks, values);
    }

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var codes = stackalloc byte[256];
        var scales = stackalloc byte[SubBlocks];
        var shape = new BlockShape(SubBlocks, 256 / SubBlocks, -32, 31);
        var (d, _) = BlockSearch.Fit(values, weights, new IntegerLevels(-4, 3), shape, (sbyte*)scales, null, (sbyte*)codes);
        Levels.WriteHalf(block + 108, d);
        for (var i = 0; i < 256; i++)
            codes[i] += 4;
        for (var j = 0; j < SubBlocks; j++)
            scales[j] += 32;
        BitFields.Pack(codes, 256, block, 32, 1, at: 2);
        BitFields.Pack(codes, 256, block + 32, 32, 2);
        BitFields.Pack(scales, SubBlocks, block + 96, 8, 4);
        BitFields.Pack(scales, SubBlocks, block + 104, 4, 2, at: 4);
    }
}
