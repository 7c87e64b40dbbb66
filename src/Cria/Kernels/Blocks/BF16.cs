using System.Runtime.CompilerServices;
using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>The upper half of an IEEE 754 single.</summary>
readonly unsafe struct BF16 : IBlockFormat
{
    public static ElementType Type => ElementType.BF16;

    public static void Dequantize(byte* block, float* values) => *values = BitConverter.Int32BitsToSingle(Unsafe.ReadUnaligned<ushort>(block) << 16);

    public static void Quantize(float* values, float* weights, byte* block) => Unsafe.WriteUnaligned(block, Narrow(*values));

    /// <summary>Rounded to the nearest, ties to even; NaN stays NaN.</summary>
    public static ushort Narrow(float x)
    {
        var bits = BitConverter.SingleToUInt32Bits(x);
        return float.IsNaN(x) ? (ushort)(bits >> 16 | 64) : (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}
