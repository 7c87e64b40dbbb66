using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>A weight matrix [out, in] as it is stored, and y = W x for a batch of rows.</summary>
sealed unsafe class Linear(Tensor weight, Compute compute)
{
    /// <summary>Y = X Wᵀ; x [rows, in], y [rows, out].</summary>
    public void Apply(Matrix x, Matrix y) => compute.Multiply(weight.Type, weight.Data, x, y);
}
