using Cria.Formats;
using Cria.Models;

namespace Cria.Tests.Models;

/// <summary>
/// The formulas of spec llama32-vision 3 in double precision, as the reference has them: all tiles and all padding, of which only padding does not
/// see padding.
/// </summary>
sealed class NaiveVisionModel(Checkpoint checkpoint)
{
    readonly VisionConfig _config = checkpoint.Config.Vision!;

    /// <summary>The projected states [tokens of the tiles][D].</summary>
    public double[][] Encode(ImageTiles image)
    {
        var (width, tokens) = (_config.Width, _config.TileTokens);
        var padded = (tokens + 7) / 8 * 8;
        var id = _config.AspectRatios.ToList().IndexOf((image.Rows, image.Columns)) + 1;
        var x = new double[_config.MaxTiles * padded][];
        var isReal = new bool[x.Length];
        for (var tile = 0; tile < _config.MaxTiles; tile++)
        {
            var pixels = new float[3 * _config.TileSize * _config.TileSize];
            if (tile < image.Count)
                image.Normalize(tile, pixels);
            for (var token = 0; token < padded; token++)
            {
                isReal[tile * padded + token] = tile < image.Count && token < tokens;
                x[tile * padded + token] = token < tokens ? Token(pixels, id, tile, token, tile < image.Count) : new double[width];
            }
        }
        var features = new List<double[][]>();
        for (var layer = 0; layer <= _config.LayerCount; layer++)
        {
            if (layer == _config.LocalLayerCount)
                x = [.. x.Select((row, i) => Sum(Norm(row, TensorRole.VisionPostNorm, 0),
                    i / padded < image.Count ? Row(TensorRole.VisionPostTile, id, i / padded * width, width) : new double[width], Gate(TensorRole.VisionPostTileGate, 0)))];
            if (_config.IntermediateLayers.Contains(layer))
                features.Add(x);
            if (layer < _config.LayerCount)
                x = Block(x, isReal, layer);
        }
        return [.. Enumerable.Range(0, x.Length).Where(i => isReal[i]).Select(i =>
            Sum(Product([.. x[i], .. Enumerable.Range(0, width).SelectMany(d => features.Select(f => f[i][d]))], TensorRole.VisionProjector, 0), Vector(TensorRole.VisionProjectorBias, 0), 1))];
    }

    double[] Token(float[] pixels, int id, int tile, int token, bool isReal)
    {
        var (width, size, side) = (_config.Width, _config.PatchSize, _config.TileSize / _config.PatchSize);
        var gate = Gate(TensorRole.VisionPositionGate, 0);
        double[] row;
        if (token == 0)
            row = Vector(TensorRole.VisionClass, 0);
        else
        {
            var (top, left) = ((token - 1) / side * size, (token - 1) % side * size);
            row = Product([.. Enumerable.Range(0, 3 * size * size).Select(i =>
                (double)pixels[(i / (size * size) * _config.TileSize + top + i / size % size) * _config.TileSize + left + i % size])], TensorRole.VisionPatch, 0);
            if (isReal)
                row = Sum(row, Row(TensorRole.VisionPreTile, id, tile * width, width), Gate(TensorRole.VisionPreTileGate, 0));
        }
        row = Sum(row, Row(TensorRole.VisionPosition, token, 0, width), 1 - gate);
        if (isReal)
            row = Sum(row, Row(TensorRole.VisionTilePosition, id, (tile * _config.TileTokens + token) * width, width), gate);
        return Norm(row, TensorRole.VisionPreNorm, 0);
    }

    double[][] Block(double[][] x, bool[] isReal, int layer)
    {
        var isGlobal = layer >= _config.LocalLayerCount;
        var n = x.Select(row => Norm(row, TensorRole.VisionAttentionNorm, layer)).ToArray();
        var (q, k, v) = (Products(n, TensorRole.VisionQuery, layer), Products(n, TensorRole.VisionKey, layer), Products(n, TensorRole.VisionValue, layer));
        var size = _config.Width / _config.HeadCount;
        var result = new double[x.Length][];
        for (var i = 0; i < x.Length; i++)
        {
            var attended = new double[_config.Width];
            for (var head = 0; head < _config.HeadCount; head++)
            {
                var weights = k.Select((key, j) => isReal[i] || isReal[j] ? Math.Exp(Enumerable.Range(head * size, size).Sum(d => q[i][d] * key[d]) / Math.Sqrt(size)) : 0).ToArray();
                for (var d = head * size; d < (head + 1) * size; d++)
                    attended[d] = weights.Select((w, j) => w * v[j][d]).Sum() / weights.Sum();
            }
            var h = Sum(x[i], Product(attended, TensorRole.VisionOutput, layer), isGlobal ? Gate(TensorRole.VisionAttentionGate, layer) : 1);
            var up = Sum(Product(Norm(h, TensorRole.VisionFeedForwardNorm, layer), TensorRole.VisionUp, layer), Vector(TensorRole.VisionUpBias, layer), 1);
            var down = Sum(Product([.. up.Select(Gelu)], TensorRole.VisionDown, layer), Vector(TensorRole.VisionDownBias, layer), 1);
            result[i] = Sum(h, down, isGlobal ? Gate(TensorRole.VisionFeedForwardGate, layer) : 1);
        }
        return result;
    }

    static double Gelu(double v) => v * (v < -6 ? 0 : v > 6 ? 1 : 0.5 + Math.Exp(-v * v / 2) / Math.Sqrt(2 * Math.PI) * Series(v));

    /// <summary>v + v³/3 + v⁵/15 + ...: the normal distribution's integral over its density.</summary>
    static double Series(double v)
    {
        var (sum, term) = (v, v);
        for (var i = 3; i < 300; i += 2)
            sum += term *= v * v / i;
        return sum;
    }

    double[] Norm(double[] x, TensorRole role, int layer)
    {
        var mean = x.Average();
        var scale = 1 / Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + 1e-5);
        var (weight, bias) = (Vector(role, layer), Vector(role + 1, layer));
        return [.. x.Select((v, i) => (v - mean) * scale * weight[i] + bias[i])];
    }

    static double[] Sum(double[] x, double[] y, double factor) => [.. x.Zip(y, (a, b) => a + factor * b)];

    double[][] Products(double[][] x, TensorRole role, int layer) => [.. x.Select(row => Product(row, role, layer))];

    double[] Product(double[] x, TensorRole role, int layer) => [.. Vector(role, layer).Chunk(x.Length).Select(row => row.Zip(x, (w, v) => w * v).Sum())];

    double[] Row(TensorRole role, int row, int from, int count) => Vector(role, 0).AsSpan((int)(row * checkpoint.Get(role).Shape[1]) + from, count).ToArray();

    double Gate(TensorRole role, int layer) => Math.Tanh(Vector(role, layer)[0]);

    readonly Dictionary<(TensorRole, int), double[]> _vectors = [];

    double[] Vector(TensorRole role, int layer)
    {
        if (!_vectors.TryGetValue((role, layer), out var vector))
        {
            var values = new float[checkpoint.Get(role, layer).Count];
            checkpoint.Get(role, layer).CopyTo(values);
            _vectors[(role, layer)] = vector = [.. values.Select(v => (double)v)];
        }
        return vector;
    }
}
