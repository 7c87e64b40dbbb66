using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>A weight of one dimension, as float32.</summary>
sealed unsafe class VectorWeight : IDisposable
{
    readonly NativeBuffer _memory = new();

    public VectorWeight(Tensor weight)
    {
        Data = _memory.Reserve(weight.Count);
        weight.CopyTo(new Span<float>(Data, checked((int)weight.Count)));
    }

    public float* Data { get; }

    /// <summary>x += this, row by row.</summary>
    public void AddTo(Matrix x, Compute compute) => compute.AddBias(x, Data);

    /// <summary>The tanh of a single number.</summary>
    public static float Gate(Tensor gate)
    {
        using var value = new VectorWeight(gate);
        return MathF.Tanh(*value.Data);
    }

    public void Dispose() => _memory.Dispose();
}
