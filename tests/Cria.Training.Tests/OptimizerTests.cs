using System.Text.Json;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Cria.Training.Tests;

public sealed class OptimizerTests
{
    [Theory]
    [InlineData("f64", 1e-10)]
    [InlineData("f32", 2e-6)]
    [InlineData("no_clip_no_decay", 1e-10)]
    public void AdamWFollowsTheReferenceForTwentySteps(string name, double tolerance)
    {
        using var family = new GoldenFamily("optimizer");
        var recorded = family.Case(name);
        var (parameters, inputs, expected) = (recorded.GetProperty("params"), recorded.GetProperty("inputs"), recorded.GetProperty("expected"));
        var weights = inputs.GetProperty("params").EnumerateObject().ToDictionary(p => p.Name, p => new Parameter(family.Tensor(p.Value)));
        var gradients = inputs.GetProperty("grads").EnumerateObject().ToDictionary(p => p.Name, p => family.Tensor(p.Value));
        var betas = parameters.GetProperty("betas");
        using var optimizer = new AdamW(weights, betas[0].GetDouble(), betas[1].GetDouble(), parameters.GetProperty("eps").GetDouble(), parameters.GetProperty("weight_decay").GetDouble());
        var rates = parameters.GetProperty("lr_per_step");
        for (var step = 0; step < rates.GetArrayLength(); step++)
        {
            foreach (var (key, weight) in weights)
                weight.grad = gradients[key][step].clone();
            if (parameters.GetProperty("max_norm") is { ValueKind: JsonValueKind.Number } limit)
                Close(expected.GetProperty("grad_norm_before_clip")[step].GetDouble(), Trainer.ClipGradients(weights.Values, limit.GetDouble()), tolerance);
            optimizer.Step(rates[step].GetDouble());
            if (expected.TryGetProperty($"step_{step + 1}", out var after))
                foreach (var (key, weight) in weights)
                    Close(family.Tensor(after.GetProperty(key)), weight, tolerance);
        }
    }

    [Fact]
    public void AdamWMovesAgainstTheGradientAndDecaysOnlyMatrices()
    {
        var weights = new Dictionary<string, Parameter> { ["matrix"] = new(ones(1, 1)), ["gain"] = new(ones(1)) };
        using var optimizer = new AdamW(weights, 0.9, 0.95, 1e-8, 0.5);
        foreach (var weight in weights.Values)
            weight.grad = full_like(weight, 2f);
        optimizer.Step(0.1);
        Assert.Equal(1 - 0.1f * 0.5f - 0.1f, weights["matrix"].item<float>(), 5);
        Assert.Equal(1 - 0.1f, weights["gain"].item<float>(), 5);
    }

    [Fact]
    public void TheLearningRateFollowsTheRecordedCosine()
    {
        using var family = new GoldenFamily("schedules");
        foreach (var recorded in family.Cases.Where(c => c.GetProperty("name").GetString()!.StartsWith("recipe_cosine", StringComparison.Ordinal)))
        {
            var p = recorded.GetProperty("params");
            var options = new TrainingOptions
            {
                Steps = p.GetProperty("total").GetInt32(),
                WarmUp = p.GetProperty("warmup").GetInt32(),
                PeakRate = p.GetProperty("peak").GetDouble(),
                Floor = p.GetProperty("floor_ratio").GetDouble(),
            };
            var (steps, rates) = (recorded.GetProperty("inputs").GetProperty("steps"), recorded.GetProperty("expected").GetProperty("lr"));
            for (var i = 0; i < steps.GetArrayLength(); i++)
                Assert.Equal(rates[i].GetDouble(), options.Rate(steps[i].GetInt32()), 1e-12);
        }
    }

    [Fact]
    public void TheLearningRateWarmsUpAndEndsAtItsFloor()
    {
        var options = new TrainingOptions { Steps = 100, WarmUp = 10, PeakRate = 1, Floor = 0.1 };
        Assert.Equal(0.1, options.Rate(0), 12);
        Assert.Equal(1, options.Rate(10), 12);
        Assert.Equal(0.1, options.Rate(100), 12);
    }

    [Theory]
    [InlineData(24, 24)]
    [InlineData(16, 40)]
    [InlineData(40, 16)]
    public void MuonTurnsTheMomentumIntoARotationOfAdamWsSize(int rows, int columns)
    {
        random.manual_seed(3);
        var start = randn(rows, columns);
        var weights = new Dictionary<string, Parameter> { ["matrix"] = new(start.clone()) };
        using var optimizer = new Muon(weights, 0.95, 0.5, threads: 2);
        var gradient = randn(rows, columns);
        weights["matrix"].grad = gradient.clone();
        optimizer.Step(0.1);
        using var _ = no_grad();
        var step = (start * (1 - 0.1 * 0.5) - weights["matrix"]) / (0.1 * 0.2 * Math.Sqrt(Math.Max(rows, columns)));
        foreach (var singular in linalg.svdvals(step).data<float>())
            Assert.InRange(singular, 0.5f, 1.3f);
        // the same singular vectors: Uᵀ step V is the diagonal of those values
        var (u, _, vt) = linalg.svd(gradient, fullMatrices: false);
        var turned = u.t().mm(step).mm(vt.t());
        Assert.True((turned - turned.diag().diag()).abs().max().item<float>() < 0.05f);
        Assert.True(turned.diag().min().item<float>() > 0.4f);
    }

    static void Close(Tensor expected, Tensor got, double tolerance)
    {
        var (want, have) = (expected.to(ScalarType.Float64).flatten().data<double>().ToArray(), got.detach().to(ScalarType.Float64).flatten().data<double>().ToArray());
        Assert.Equal(want.Length, have.Length);
        for (var i = 0; i < want.Length; i++)
            Close(want[i], have[i], tolerance);
    }

    static void Close(double want, double got, double tolerance) => Assert.Equal(want, got, tolerance * Math.Max(1, Math.Abs(want)));
}
