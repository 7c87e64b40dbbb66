using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>Root mean square normalisation (Zhang and Sennrich 2019); the weight is kept in float32.</summary>
sealed unsafe class RmsNorm(Tensor weight, float epsilon, Compute compute) : IDisposable
{
    readonly VectorWeight _weight = new(weight);

    /// <summary>y = x / sqrt(mean(x²) + epsilon) * weight, row by row.</summary>
    public void Apply(Matrix x, Matrix y) => compute.RmsNorm(x, _weight.Data, epsilon, y);

    public void Dispose() => _weight.Dispose();
}
