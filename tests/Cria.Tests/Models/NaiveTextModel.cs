using Cria.Formats;

namespace Cria.Tests.Models;

/// <summary>
/// Llama in double precision, written directly from the formulas (spec section 2): no cache, no batch, no blocks. With
/// <paramref name="frequencies"/> the angles are rounded to float32 as the reference rounds them, which counts at far positions.
/// </summary>
sealed class NaiveTextModel(Checkpoint checkpoint, float[]? frequencies = null)
{
    readonly ModelConfig _config = checkpoint.Config;
    readonly Dictionary<(TensorRole, int), double[]> _weights = [];

    /// <summary>The logits [tokens - first][V] of a text from a position on.</summary>
    public double[][] Logits(int[] tokens, int first = 0) => [.. States(tokens, first).Select(x => Product(TensorRole.Output, 0, x))];

    /// <summary>The last hidden states [tokens - first][D], after the final norm, of a text from a position on.</summary>
    public double[][] States(int[] tokens, int first = 0)
    {
        var h = Embeddings(tokens);
        for (var layer = 0; layer < _config.LayerCount; layer++)
        {
            var from = layer == _config.LayerCount - 1 ? first : 0; // behind the last attention a row needs no other
            var attended = Attention(layer, Normed(layer, h), from);
            for (var i = from; i < h.Length; i++)
            {
                h[i] = Add(h[i], Product(TensorRole.AttentionOutput, layer, attended[i]));
                var x = Norm(h[i], Weight(TensorRole.FeedForwardNorm, layer));
                var gated = Product(TensorRole.Gate, layer, x).Zip(Product(TensorRole.Up, layer, x), (g, u) => g / (1 + Math.Exp(-g)) * u).ToArray();
                h[i] = Add(h[i], Product(TensorRole.Down, layer, gated));
            }
        }
        return [.. h.Skip(first).Select(r => Norm(r, Weight(TensorRole.FinalNorm)))];
    }

    /// <summary>The keys and the values of the first layer.</summary>
    public (double[][] Keys, double[][] Values) FirstLayer(int[] tokens)
    {
        var x = Normed(0, Embeddings(tokens));
        return (Project(TensorRole.Key, 0, x, rotate: true), Project(TensorRole.Value, 0, x, rotate: false));
    }

    double[][] Embeddings(int[] tokens)
    {
        var embedding = Weight(TensorRole.Embedding);
        return [.. tokens.Select(t => embedding[(t * _config.HiddenSize)..((t + 1) * _config.HiddenSize)])];
    }

    double[][] Normed(int layer, double[][] h) => [.. h.Select(r => Norm(r, Weight(TensorRole.AttentionNorm, layer)))];

    double[][] Attention(int layer, double[][] x, int first)
    {
        var d = _config.HeadSize;
        var (k, v) = (Project(TensorRole.Key, layer, x, rotate: true), Project(TensorRole.Value, layer, x, rotate: false));
        var q = Project(TensorRole.Query, layer, x, rotate: true, first);
        var result = new double[x.Length][];
        for (var i = first; i < x.Length; i++)
        {
            result[i] = new double[_config.HeadCount * d];
            for (var head = 0; head < _config.HeadCount; head++)
            {
                var shared = head / (_config.HeadCount / _config.KvHeadCount) * d;
                var sum = 0.0;
                for (var j = 0; j <= i; j++)
                {
                    var score = 0.0;
                    for (var c = 0; c < d; c++)
                        score += q[i][head * d + c] * k[j][shared + c];
                    var weight = Math.Exp(score / Math.Sqrt(d));
                    sum += weight;
                    for (var c = 0; c < d; c++)
                        result[i][head * d + c] += weight * v[j][shared + c];
                }
                for (var c = 0; c < d; c++)
                    result[i][head * d + c] /= sum;
            }
        }
        return result;
    }

    double[][] Project(TensorRole role, int layer, double[][] x, bool rotate, int first = 0)
    {
        var y = new double[x.Length][];
        for (var i = first; i < x.Length; i++)
            y[i] = rotate ? Rotate(Product(role, layer, x[i]), i) : Product(role, layer, x[i]);
        return y;
    }

    double[] Rotate(double[] x, int position)
    {
        var (d, y) = (_config.HeadSize, new double[x.Length]);
        for (var i = 0; i < x.Length; i++)
        {
            var pair = i % d % (d / 2);
            var (sin, cos) = Math.SinCos(frequencies is null ? position * Frequency(pair) : position * frequencies[pair]);
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
        var y = new double[w.Length / x.Length];
        for (var o = 0; o < y.Length; o++)
            for (var i = 0; i < x.Length; i++)
                y[o] += w[o * x.Length + i] * x[i];
        return y;
    }

    double[] Weight(TensorRole role, int layer = 0)
    {
        if (_weights.TryGetValue((role, layer), out var known))
            return known;
        var tensor = checkpoint.Get(role, layer);
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return _weights[(role, layer)] = [.. values.Select(v => (double)v)];
    }

    static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];
}
