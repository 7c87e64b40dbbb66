using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Cria.Training;

/// <summary>
/// Muon (Jordan et al. 2024): the step of a matrix is its momentum with all singular values brought near 1 by a Newton-Schulz
/// iteration, scaled so that its elements are as large as AdamW's (Liu et al. 2025, arXiv 2502.16982, section 2.2): the same rate and
/// decay suit both. Momentum is F32, the iteration runs in BF16. Not thread-safe.
/// </summary>
/// <param name="weights">Matrices.</param>
/// <param name="momentum">Decay of the momentum, Nesterov's form.</param>
/// <param name="decay">Decoupled weight decay λ.</param>
/// <param name="threads">Matrices worked on at once; the result does not depend on it.</param>
sealed class Muon(IReadOnlyDictionary<string, Parameter> weights, double momentum, double decay, int threads) : IDisposable
{
    const int Iterations = 5;

    readonly Dictionary<string, Tensor> _means = weights.ToDictionary(w => w.Key, w => zeros_like(w.Value).DetachFromDisposeScope());

    /// <summary>The momentum by name, for a checkpoint.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State() => _means.Select(m => ("momentum." + m.Key, m.Value));

    /// <summary>One step with the rate η.</summary>
    public void Step(double rate) => Parallel.ForEach(weights, new ParallelOptions { MaxDegreeOfParallelism = threads }, w =>
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (weight, gradient, mean) = (w.Value, w.Value.grad!, _means[w.Key]);
        mean.mul_(momentum).add_(gradient, alpha: 1 - momentum);
        var step = Orthogonal(gradient * (1 - momentum) + mean * momentum);
        weight.mul_(1 - rate * decay).add_(step, alpha: -rate * 0.2 * Math.Sqrt(Math.Max(weight.shape[0], weight.shape[1])));
    });

    public void Dispose()
    {
        foreach (var mean in _means.Values)
            mean.Dispose();
    }

    /// <summary>U Vᵀ of a matrix U S Vᵀ, roughly: singular values end between 0.7 and 1.2.</summary>
    internal static Tensor Orthogonal(Tensor matrix)
    {
        var tall = matrix.shape[0] > matrix.shape[1];
        var x = matrix / (matrix.norm() + 1e-7);
        x = (tall ? x.t() : x).to(ScalarType.BFloat16);
        for (var i = 0; i < Iterations; i++)
        {
            var square = x.mm(x.t());
            x = 3.4445 * x + (-4.7750 * square + 2.0315 * square.mm(square)).mm(x); // the quintic of Jordan et al.
        }
        return (tall ? x.t() : x).to(ScalarType.Float32);
    }
}
