using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>A weight matrix [out, in] of any format, and y = W x for a batch of rows, each with what its adapter makes of the matrix.</summary>
/// <param name="checkpoint">The weights.</param>
/// <param name="role">What the matrix is for.</param>
/// <param name="layer">Its layer.</param>
/// <param name="adapters">What changes it for some rows.</param>
/// <param name="compute">The threads.</param>
/// <param name="rounds">Whether activations may be rounded to BF16 where that is faster for many rows.</param>
sealed class Linear(Checkpoint checkpoint, TensorRole role, int layer, RowAdapters adapters, Compute compute, bool rounds = false) : IDisposable
{
    /// <summary>The smallest scales of activations: torchao's, and ExecuTorch's for the output matrix (the smallest normal number).</summary>
    const float Epsilon = 1f / (1 << 23), OutputEpsilon = 1.17549435e-38f;

    readonly WeightMatrix _matrix = Create(checkpoint, role, layer, compute, rounds);

    /// <summary>Y = X Wᵀ; x [rows, in], y [rows, out].</summary>
    public void Apply(Matrix x, Matrix y) => adapters.Multiply(_matrix, role, layer, x, y);

    static WeightMatrix Create(Checkpoint checkpoint, TensorRole role, int layer, Compute compute, bool rounds)
    {
        var weight = checkpoint.Get(role, layer);
        if (checkpoint.Config.Quantization is not { } quantization)
            return compute.CreateMatrix(weight, rounds);
        var stored = role == TensorRole.Output && checkpoint.Config.TiedEmbeddings ? TensorRole.Embedding : role;
        var matrix = new GroupedMatrix(weight, checkpoint.Part(stored, layer, MetaQuantization.Scales), role == TensorRole.Output ? OutputEpsilon : Epsilon, compute);
        return quantization.AdaptorRank == 0 || role == TensorRole.Output ? matrix
            : new AdaptedMatrix(matrix, new LowRankProduct(checkpoint.Part(role, layer, MetaQuantization.AdaptorIn),
                checkpoint.Part(role, layer, MetaQuantization.AdaptorOut), quantization.AdaptorScale, compute));
    }

    public void Dispose() => _matrix.Dispose();
}
