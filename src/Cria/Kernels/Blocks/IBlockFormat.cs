using Cria.Tensors;

namespace Cria.Kernels.Blocks;

/// <summary>One of ggml's block types (spec 4.4), or a plain float type as blocks of one element.</summary>
unsafe interface IBlockFormat
{
    /// <summary>The type; it knows the sizes of a block.</summary>
    static abstract ElementType Type { get; }

    /// <summary>The values of one block.</summary>
    static abstract void Dequantize(byte* block, float* values);

    /// <summary>
    /// The block that stands for values: the fixed rounding of the types that have one, else a small error weighted by
    /// <paramref name="weights"/>.
    /// </summary>
    static abstract void Quantize(float* values, float* weights, byte* block);
}
