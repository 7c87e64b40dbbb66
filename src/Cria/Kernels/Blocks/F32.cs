using System.Runtime.CompilerServices;
using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>IEEE 754 single.</summary>
readonly unsafe struct F32 : IBlockFormat
{
    public static ElementType Type => ElementType.F32;

    public static void Dequantize(byte* block, float* values) => *values = Unsafe.ReadUnaligned<float>(block);

    public static void Quantize(float* values, float* weights, byte* block) => Unsafe.WriteUnaligned(block, *values);
}
