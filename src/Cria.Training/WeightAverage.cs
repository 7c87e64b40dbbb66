using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Cria.Training;

/// <summary>The uniform mean of weights at several points of a training run (Grattafiori et al. 2024, section 3.4.3: Polyak averaging), kept in F32.</summary>
sealed class WeightAverage(IReadOnlyDictionary<string, Parameter> weights) : IDisposable
{
    readonly Dictionary<string, Tensor> _sums = weights.ToDictionary(w => w.Key, w => zeros_like(w.Value).DetachFromDisposeScope());
    int _count;

    /// <summary>Takes the weights as they are now into the mean.</summary>
    public void Add()
    {
        using var _ = no_grad();
        foreach (var (name, sum) in _sums)
            sum.add_(weights[name]);
        _count++;
    }

    /// <summary>Makes the weights the mean of all that were added.</summary>
    public void Apply()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var (name, sum) in _sums)
            weights[name].copy_(sum / _count);
    }

    public void Dispose()
    {
        foreach (var sum in _sums.Values)
            sum.Dispose();
    }
}
