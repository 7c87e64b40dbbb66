using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>Blocks of any format as they lie in the file: a few rows at a time become float32, then the product is that of float32 weights.</summary>
sealed unsafe class DequantizedMatrix(Tensor weight, Compute compute) : WeightMatrix
{
    public override void Multiply(Matrix x, Matrix y)
    {
        var (type, columns, outputs) = (weight.Type, x.Columns, y.Columns);
        var weights = weight.Data;
        var packed = compute.Pack(ElementType.F32, x);
        var chunk = compute.ChunkOutputs(x, outputs, columns * sizeof(float));
        var floats = compute.Scratch.Reserve(compute.Pool.Threads * chunk, columns);
        compute.Pool.Run((outputs + chunk - 1) / chunk, (i, thread) =>
        {
            var rows = floats[thread * chunk];
            var first = i * chunk;
            var count = Math.Min(chunk, outputs - first);
            BlockFormats.Dequantize(type, weights + type.Bytes((long)first * columns), (long)count * columns, rows);
            compute.Kernels.Multiply(ElementType.F32, (byte*)rows, columns, 0, count, packed, 0, x.Rows, y.Data + first, outputs);
        });
    }
}
