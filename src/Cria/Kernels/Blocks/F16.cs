using System.Runtime.CompilerServices;
using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>IEEE 754 half.</summary>
readonly unsafe struct F16 : IBlockFormat
{
    public static ElementType Type => ElementType.F16;

    public static void Dequantize(byte* block, float* values) => *values = Levels.ReadHalf(block);

    public static void Quantize(float* values, float* weights, byte* block) => Unsafe.WriteUnaligned(block, (Half)(*values));
}
