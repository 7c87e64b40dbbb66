using Cria.Formats;

namespace Cria.Tests.Models;

/// <summary>Llama in double precision, written directly from the formulas (spec section 2): no cache, no batch, no blocks.</summary>
sealed class NaiveTextModel(Checkpoint checkpoint)
{
    readonly ModelConfig _config = checkpoint.Config;

    /// <summary>The logits [tokens][V] of a text.</summary>
    public double[][] Logits(int[] tokens)
    {
        var embedding = Weight(TensorRole.Embedding);
        var h = tokens.Select(t => embedding[(t * _config.HiddenSize)..((t + 1) * _config.HiddenSize)]).ToArray();
        for (var layer = 0; layer < _config.LayerCount; layer++)
        {
            var attended = Attention(layer, [.. h.Select(r => Norm(r, Weight(TensorRole.AttentionNorm, layer)))]);
            for (var i = 0; i < h.Length; i++)
            {
                h[i] = Add(h[i], Product(TensorRole.AttentionOutput, layer, attended[i]));
                var x = Norm(h[i], Weight(TensorRole.FeedForwardNorm, layer));
                var gated = Product(TensorRole.Gate, layer, x).Zip(Product(TensorRole.Up, layer, x), (g, u) => g / (1 + Math.Exp(-g)) * u).ToArray();
                h[i] = Add(h[i], Product(TensorRole.Down, layer, gated));
            }
        }
        return [.. h.Select(r => Product(TensorRole.Output, 0, Norm(r, Weight(TensorRole.FinalNorm))))];
    }

    double[][] Attention(int layer, double[][] x)
    {
        var d = _config.HeadSize;
        var (q, k, v) = (Project(TensorRole.Query, rotate: true), Project(TensorRole.Key, rotate: true), Project(TensorRole.Value, rotate: false));
        var result = x.Select(_ => new double[_config.HeadCount * d]).ToArray();
        for (var i = 0; i < x.Length; i++)
        {
            for (var head = 0; head < _config.HeadCount; head++)
            {
                var shared = head / (_config.HeadCount / _config.KvHeadCount) * d;
                var weights = Enumerable.Range(0, i + 1)
                    .Select(j => Math.Exp(Enumerable.Range(0, d).Sum(c => q[i][head * d + c] * k[j][shared + c]) / Math.Sqrt(d))).ToArray();
                for (var c = 0; c < d; c++)
                    result[i][head * d + c] = weights.Select((w, j) => w * v[j][shared + c]).Sum() / weights.Sum();
            }
        }
        return result;

        double[][] Project(TensorRole role, bool rotate) => [.. x.Select((r, position) =>
        {
            var y = Product(role, layer, r);
            return rotate ? Rotate(y, position) : y;
        })];
    }

    double[] Rotate(double[] x, int position)
    {
        var (d, y) = (_config.HeadSize, new double[x.Length]);
        for (var i = 0; i < x.Length; i++)
        {
            var pair = i % d % (d / 2);
            var (sin, cos) = Math.SinCos(position * Frequency(pair));
            y[i] = i % d < d / 2 ? x[i] * cos - x[i + d / 2] * sin : x[i] * cos + x[i - d / 2] * sin;
        }
        return y;
    }

    double Frequency(int pair)
    {
        var f = Math.Pow(_config.RopeTheta, -2.0 * pair / _config.HeadSize);
        if (_config.RopeScaling is not { } s)
            return f;
        var t = (s.OriginalMaxPositions * f / (2 * Math.PI) - s.LowFrequencyFactor) / (s.HighFrequencyFactor - s.LowFrequencyFactor);
        t = Math.Clamp(t, 0, 1);
        return (1 - t) * f / s.Factor + t * f;
    }

    double[] Norm(double[] x, double[] weight)
    {
        var scale = 1 / Math.Sqrt(x.Sum(v => v * v) / x.Length + _config.NormEpsilon);
        return [.. x.Select((v, i) => v * scale * weight[i])];
    }

    double[] Product(TensorRole role, int layer, double[] x)
    {
        var w = Weight(role, layer);
        return [.. Enumerable.Range(0, w.Length / x.Length).Select(o => Enumerable.Range(0, x.Length).Sum(i => w[o * x.Length + i] * x[i]))];
    }

    double[] Weight(TensorRole role, int layer = 0)
    {
        var tensor = checkpoint.Get(role, layer);
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return [.. values.Select(v => (double)v)];
    }

    static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];
}
