using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>Root mean square normalisation (Zhang and Sennrich 2019); the weight is kept in float32.</summary>
sealed unsafe class RmsNorm : IDisposable
{
    readonly NativeBuffer _weight = new();
    readonly float _epsilon;
    readonly Compute _compute;
    readonly int _columns;

    public RmsNorm(Tensor weight, float epsilon, Compute compute)
    {
        (_epsilon, _compute, _columns) = (epsilon, compute, (int)weight.Count);
        weight.CopyTo(new Span<float>(_weight.Reserve(_columns), _columns));
    }

    /// <summary>y = x / sqrt(mean(x²) + epsilon) * weight, row by row.</summary>
    public void Apply(Matrix x, Matrix y) => _compute.RmsNorm(x, _weight.Reserve(_columns), _epsilon, y);

    public void Dispose() => _weight.Dispose();
}
