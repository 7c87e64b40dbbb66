using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>A normalisation of the model for a batch of rows, each by the weight that its adapter has in its place.</summary>
sealed class Norm(Checkpoint checkpoint, TensorRole role, int layer, RowAdapters adapters, Compute compute) : IDisposable
{
    readonly RmsNorm _own = new(checkpoint.Get(role, layer), checkpoint.Config.NormEpsilon, compute);

    /// <summary>y = RMSNorm(x), row by row.</summary>
    public void Apply(Matrix x, Matrix y) => adapters.Normalize(_own, role, layer, x, y);

    public void Dispose() => _own.Dispose();
}
