using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>16 sub-blocks: the lower 4 bits of codes around 32, their upper 2 bits, scales of 8 bits, d:f16.</summary>
readonly unsafe struct Q6_K : IBlockFormat
{
    const int SubBlocks = 16;

    public static ElementType Type => ElementType.Q6_K;

    public static void Dequantize(byte* block, float* values)
    {
        var codes = stackalloc byte[256];
        BitFields.Unpack(block, 64, 4, codes, 256);
        BitFields.Unpack(block + 128, 32, 2, codes, 256, at: 4);
        Levels.Scale((sbyte*)codes, 32, Levels.ReadHalf(block + 208), (sbyte*)block + 192, SubBlocks, values);
    }

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var codes = stackalloc byte[256];
        var scales = stackalloc byte[SubBlocks];
        var shape = new BlockShape(SubBlocks, 256 / SubBlocks, -128, 127);
        var (d, _) = BlockSearch.Fit(values, weights, new IntegerLevels(-32, 31), shape, (sbyte*)scales, null, (sbyte*)codes);
        Levels.WriteHalf(block + 208, d);
        for (var i = 0; i < 256; i++)
            codes[i] += 32;
        BitFields.Pack(codes, 256, block, 64, 4);
        BitFields.Pack(codes, 256, block + 128, 32, 2, at: 4);
        new ReadOnlySpan<byte>(scales, SubBlocks).CopyTo(new Span<byte>(block + 192, SubBlocks));
    }
}
