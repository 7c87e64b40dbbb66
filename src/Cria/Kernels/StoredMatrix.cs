using System.Runtime.InteropServices;
using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>F32, F16 or BF16 weights as they are stored, with float32 activations; in the mapped file or copied once into large pages.</summary>
sealed unsafe class StoredMatrix : WeightMatrix
{
    readonly Tensor _weight;
    readonly Compute _compute;
    byte* _copy;

    public StoredMatrix(Tensor weight, Compute compute, bool copy = false)
    {
        (_weight, _compute) = (weight, compute);
        if (!copy)
            return;
        const int part = 1 << 20;
        var target = _copy = (byte*)LargeMemory.Allocate(weight.ByteLength);
        var source = weight.Data;
        compute.Pool.Run((int)((weight.ByteLength + part - 1) / part), (i, _) =>
        {
            var at = (long)i * part;
            NativeMemory.Copy(source + at, target + at, (nuint)Math.Min(part, weight.ByteLength - at));
        });
        weight.Forget();
    }

    public override void Multiply(Matrix x, Matrix y)
    {
        var (type, outputs) = (_weight.Type, y.Columns);
        var weights = _copy == null ? _weight.Data : _copy;
        var packed = _compute.Pack(type, x);
        var chunk = _compute.ChunkOutputs(x, outputs, x.Columns * type.BlockBytes());
        _compute.Pool.Run((outputs + chunk - 1) / chunk, (i, _) => _compute.Kernels.Multiply(
            type, weights, x.Columns, i * chunk, Math.Min(outputs, (i + 1) * chunk), packed, 0, x.Rows, y.Data, outputs));
    }

    public override void Dispose()
    {
        LargeMemory.Free(_copy);
        _copy = null;
    }
}
