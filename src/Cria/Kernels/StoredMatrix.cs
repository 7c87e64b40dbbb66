using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>F32, F16 or BF16 weights as they lie in the file, with float32 activations.</summary>
sealed unsafe class StoredMatrix(Tensor weight, Compute compute) : WeightMatrix
{
    public override void Multiply(Matrix x, Matrix y)
    {
        var (type, outputs) = (weight.Type, y.Columns);
        var weights = weight.Data;
        var packed = compute.Pack(type, x);
        var chunk = compute.ChunkOutputs(x, outputs, x.Columns * type.BlockBytes());
        compute.Pool.Run((outputs + chunk - 1) / chunk, (i, _) => compute.Kernels.Multiply(
            type, weights, x.Columns, i * chunk, Math.Min(outputs, (i + 1) * chunk), packed, 0, x.Rows, y.Data, outputs));
    }
}
