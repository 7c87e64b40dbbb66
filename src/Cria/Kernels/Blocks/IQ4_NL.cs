using System.Numerics;
using System.Runtime.Intrinsics;
using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>d:f16, 32 codes of 4 bits: places in a table of levels that lie denser around zero.</summary>
readonly unsafe struct IQ4_NL : IBlockFormat
{
    /// <summary>The level of each code.</summary>
    public static Vector128<sbyte> Table => Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    public static ElementType Type => ElementType.IQ4_NL;

    public static void Dequantize(byte* block, float* values)
    {
        var levels = stackalloc sbyte[32];
        UnpackLevels(block + 2, levels, 32);
        Levels.Scale(levels, 32, 0, Levels.ReadHalf(block), 0, values);
    }

    public static void Quantize(float* values, float* weights, byte* block)
    {
        var levels = stackalloc sbyte[32];
        sbyte scale = 1;
        var (d, _) = BlockSearch.Fit(values, weights, new TableLevels(), new BlockShape(1, 32, 1, 1), &scale, null, levels);
        Levels.WriteHalf(block, d);
        PackLevels(levels, 32, block + 2);
    }

    /// <summary>Packed codes to levels.</summary>
    public static void UnpackLevels(byte* packed, sbyte* levels, int count)
    {
        BitFields.Unpack(packed, 16, 4, (byte*)levels, count);
        for (var i = 0; i < count; i += 16)
            Vector128.Shuffle(Table, Vector128.Load(levels + i)).Store(levels + i);
    }

    /// <summary>Levels to packed codes, in place.</summary>
    public static void PackLevels(sbyte* levels, int count, byte* packed)
    {
        for (var i = 0; i < count; i++)
            levels[i] = (sbyte)BitOperations.TrailingZeroCount(Vector128.Equals(Table, Vector128.Create(levels[i])).ExtractMostSignificantBits());
        BitFields.Pack((byte*)levels, count, packed, 16, 4);
    }
}
