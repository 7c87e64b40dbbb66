using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Cria.Training;

/// <summary>
/// AdamW with decoupled weight decay (training spec 1.2): θ ← θ(1-ηλ) - η m̂ / (√v̂ + ε). Gains and other vectors do not decay.
/// Moments are F32. Not thread-safe.
/// </summary>
sealed class AdamW(IReadOnlyDictionary<string, Parameter> weights, double beta1, double beta2, double epsilon, double decay) : IDisposable
{
    /// <summary>First and second moments by the name of the weight.</summary>
    Dictionary<string, (Tensor First, Tensor Second)> Moments { get; } =
        weights.ToDictionary(w => w.Key, w => (zeros_like(w.Value).DetachFromDisposeScope(), zeros_like(w.Value).DetachFromDisposeScope()));

    /// <summary>Steps done.</summary>
    public int StepCount { get; set; }

    /// <summary>Both moments by name, for a checkpoint.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State() =>
        Moments.SelectMany(m => new[] { ("first." + m.Key, m.Value.First), ("second." + m.Key, m.Value.Second) });

    /// <summary>One step with the rate η.</summary>
    public void Step(double rate)
    {
        StepCount++;
        var (correction1, correction2) = (1 - Math.Pow(beta1, StepCount), 1 - Math.Pow(beta2, StepCount));
        using var _ = no_grad();
        foreach (var (name, weight) in weights)
        {
            var (first, second) = Moments[name];
            var gradient = weight.grad!;
            first.mul_(beta1).add_(gradient, alpha: 1 - beta1);
            second.mul_(beta2).addcmul_(gradient, gradient, value: 1 - beta2);
            if (weight.dim() > 1)
                weight.mul_(1 - rate * decay);
            using var root = second.sqrt().div_(Math.Sqrt(correction2)).add_(epsilon);
            weight.addcdiv_(first, root, value: -rate / correction1);
        }
    }

    public void Dispose()
    {
        foreach (var (first, second) in Moments.Values)
        {
            first.Dispose();
            second.Dispose();
        }
    }
}
