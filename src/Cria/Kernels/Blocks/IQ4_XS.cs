using System.Runtime.CompilerServices;
using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>8 sub-blocks: d:f16, the upper 2 bits of scales around 32, their lower 4 bits, codes of 4 bits as in <see cref="IQ4_NL"/>.</summary>
readonly unsafe struct IQ4_XS : IBlockFormat
{
    const int SubBlocks = 8;

    public static ElementType Type => ElementType.IQ4_XS;

    public static void Dequantize(byte* block, float* values)
    {
        var levels = stackalloc sbyte[256];
        var scales = stackalloc sbyte[SubBlocks];
        for (var j = 0; j < SubBlocks; j++)
            scales[j] = (sbyte)Scale(block, j);
        IQ4_NL.UnpackLevels(block + 8, levels, 256);
        Levels.Scale(levels, 0, Levels.ReadHalf(block), scales, SubBlocks, values);
    }

    /// <summary>The scale of a sub-block, from −32 to 31.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Scale(byte* block, int subBlock) =>
        (block[4 + subBlock / 2] >> 4 * (subBlock % 2) & 15 | (block[2 + subBlock / 4] >> 2 * (subBlock % 4) & 3) << 4) - 32;

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var codes = stackalloc byte[256];
        var scales = stackalloc byte[SubBlocks];
        var shape = new BlockShape(SubBlocks, 256 / SubBlocks, -32, 31);
        var (d, _) = BlockSearch.Fit(values, weights, new TableLevels(), shape, (sbyte*)scales, null, (sbyte*)codes);
        Levels.WriteHalf(block, d);
        for (var j = 0; j < SubBlocks; j++)
            scales[j] += 32;
        BitFields.Pack(scales, SubBlocks, block + 2, 1, 2, at: 4);
        BitFields.Pack(scales, SubBlocks, block + 4, 1, 4);
        IQ4_NL.PackLevels((sbyte*)codes, 256, block + 8);
    }
}
