using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>Layer normalisation (Ba et al. 2016) with weight and bias, in float32.</summary>
sealed unsafe class LayerNorm(Tensor weight, Tensor bias, float epsilon, Compute compute) : IDisposable
{
    readonly VectorWeight _weight = new(weight), _bias = new(bias);

    /// <summary>y = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias, row by row.</summary>
    public void Apply(Matrix x, Matrix y) => compute.LayerNorm(x, _weight.Data, _bias.Data, epsilon, y);

    public void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
    }
}
