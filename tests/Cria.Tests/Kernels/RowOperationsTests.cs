using Cria.Kernels;
using CsCheck;

namespace Cria.Tests.Kernels;

public sealed unsafe class RowOperationsTests
{
    static readonly Gen<float[]> Values = Gen.Float[-30, 30].Array[2, 150];

    [Fact]
    public void RmsNormMatchesDoubleArithmetic() => Values.Sample(x =>
    {
        var scale = 1 / Math.Sqrt(x.Sum(v => (double)v * v) / x.Length + 1e-5);
        var weight = x.Select((_, i) => 1 + i * 0.01f).ToArray();
        ForEachWidth(kernels =>
        {
            var y = new float[x.Length];
            fixed (float* px = x, pw = weight, py = y)
                kernels.RmsNorm(px, pw, x.Length, 1e-5f, py);
            for (var i = 0; i < x.Length; i++)
                Assert.Equal(x[i] * scale * weight[i], y[i], 1e-5 * Math.Abs(x[i] * scale * weight[i]) + 1e-30);
        });
    }, iter: 200);

    [Fact]
    public void SwiGluMatchesDoubleArithmetic() => Values.Sample(gate => ForEachWidth(kernels =>
    {
        var up = gate.Select((_, i) => 2 - i * 0.05f).ToArray();
        var y = gate.ToArray();
        fixed (float* py = y, pu = up)
            kernels.SwiGlu(py, pu, y.Length);
        for (var i = 0; i < y.Length; i++)
        {
            var expected = gate[i] / (1 + Math.Exp(-(double)gate[i])) * up[i];
            Assert.Equal(expected, y[i], 2e-6 * Math.Abs(expected) + 1e-30);
        }
    }), iter: 200);

    [Fact]
    public void SwiGluHasTheLimitsOfSilu() => ForEachWidth(kernels =>
    {
        float[] gate = [0, -1000, 1000, 88.8f, -88.8f, float.NaN];
        float[] up = [1, 1, 1, 1, 1, 1];
        fixed (float* pg = gate, pu = up)
            kernels.SwiGlu(pg, pu, gate.Length);
        Assert.Equal([0, 0, 1000, 88.8f], gate[..4].Select(v => v == 0 ? 0 : v));
        Assert.InRange(gate[4], -1e-36f, 0);
        Assert.True(float.IsNaN(gate[5]));
    });

    [Fact]
    public void AddIsTheSumOfEveryElement() => Values.Sample(x => ForEachWidth(kernels =>
    {
        var (sum, y) = (x.ToArray(), x.Reverse().ToArray());
        fixed (float* ps = sum, py = y)
            kernels.Add(ps, py, x.Length);
        Assert.Equal(x.Zip(y, (a, b) => a + b), sum);
    }), iter: 100);

    [Fact]
    public void LayerNormMatchesDoubleArithmetic() => Values.Sample(x => ForEachWidth(kernels =>
    {
        var mean = x.Average(v => (double)v);
        var scale = 1 / Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + 1e-5);
        var (weight, bias, y) = (x.Select((_, i) => 1 + i * 0.01f).ToArray(), x.Select((_, i) => i * 0.1f - 2).ToArray(), new float[x.Length]);
        fixed (float* px = x, pw = weight, pb = bias, py = y)
            kernels.LayerNorm(px, pw, pb, x.Length, 1e-5f, py);
        for (var i = 0; i < x.Length; i++)
            Assert.Equal((x[i] - mean) * scale * weight[i] + bias[i], y[i], 2e-5);
    }), iter: 200);

    /// <summary>The references are computed to more digits than float32 has: v (1 + erf(v / sqrt 2)) / 2.</summary>
    [Fact]
    public void GeluIsTheExactOne() => ForEachWidth(kernels =>
    {
        double[] expected = [0, 0.8413447460685429, -0.15865525393145707, 1.954499736103642, -0.04550026389635842, 0.34573123063700656, -0.1542687693629934, -8.5994984e-5, 20, 0];
        float[] x = [0, 1, -1, 2, -2, 0.5f, -0.5f, -4.08f, 20, -20];
        fixed (float* px = x)
            kernels.Gelu(px, x.Length);
        Assert.All(x.Zip(expected).Where((_, i) => i != 7), v => Assert.Equal(v.Second, v.First, 3e-7));
        Assert.InRange(x[7], -1e-4f, -8e-5f);
    });

    [Fact]
    public void AddScaledIsTheSumOfProducts() => Values.Sample(x => ForEachWidth(kernels =>
    {
        var (sum, y) = (x.ToArray(), x.Reverse().ToArray());
        fixed (float* ps = sum, py = y)
            kernels.AddScaled(ps, py, 0.25f, x.Length);
        Assert.Equal(x.Zip(y, (a, b) => MathF.FusedMultiplyAdd(b, 0.25f, a)), sum);
    }), iter: 100);

    [Fact]
    public void RotateTurnsPairsHalfAHeadApart() => Gen.Select(Gen.Int[1, 70], Gen.Int[1, 3]).Sample((half, heads) =>
    {
        var random = new Random(half);
        var x = Enumerable.Range(0, 2 * half * heads).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var angles = Enumerable.Range(0, half).Select(_ => random.NextSingle() * 6).ToArray();
        var (cos, sin) = (angles.Select(MathF.Cos).ToArray(), angles.Select(MathF.Sin).ToArray());
        ForEachWidth(kernels =>
        {
            var y = x.ToArray();
            fixed (float* py = y, pc = cos, ps = sin)
                kernels.Rotate(py, heads, 2 * half, pc, ps);
            for (var head = 0; head < heads; head++)
            {
                for (var i = 0; i < half; i++)
                {
                    var (a, b) = (x[head * 2 * half + i], x[head * 2 * half + half + i]);
                    Assert.Equal(a * cos[i] - b * sin[i], y[head * 2 * half + i]);
                    Assert.Equal(b * cos[i] + a * sin[i], y[head * 2 * half + half + i]);
                }
            }
        });
    }, iter: 100);

    static void ForEachWidth(Action<KernelSet> test)
    {
        foreach (var kernels in KernelSet.All)
            test(kernels);
    }
}
