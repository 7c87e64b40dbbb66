using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>The image side of cross-attention: makes keys and values of images, once for all that see them, and attends to them.</summary>
sealed class ImageReader : IDisposable
{
    /// <summary>Tokens of an image computed together.</summary>
    const int ChunkRows = 512;

    /// <summary>The encoder's part of the work: 19.0 of 19.9 TFLOP for four tiles of 11B (spec llama32-vision 9). Progress is told by it, for other shapes too.</summary>
    const double EncoderShare = 0.95;

    readonly ModelConfig _config;
    readonly Compute _compute;
    readonly VisionModel _vision;
    readonly RowAdapters _adapters = new();
    readonly (Linear Key, Linear Value, RmsNorm KeyNorm)[] _layers;
    readonly AttentionRuns _attention;
    readonly List<int> _seeing = [];

    public ImageReader(Checkpoint checkpoint, KvType kv, bool exact, Compute compute)
    {
        (_config, _compute) = (checkpoint.Config, compute);
        Cache = new KvCache(_config.CrossAttentionLayers.Count, _config.KvHeadCount, _config.HeadSize, kv, compute.Kernels);
        _vision = new VisionModel(checkpoint, exact, compute);
        _layers = [.. _config.CrossAttentionLayers.Select(layer => (
            new Linear(checkpoint, TensorRole.CrossKey, layer, _adapters, compute), new Linear(checkpoint, TensorRole.CrossValue, layer, _adapters, compute),
            new RmsNorm(checkpoint.Get(TensorRole.CrossKeyNorm, layer), _config.NormEpsilon, compute)))];
        _attention = new AttentionRuns(Cache.Format, _config.HeadCount, _config.KvHeadCount, compute);
    }

    /// <summary>The pages of images, with a layer for each block of cross-attention.</summary>
    public KvCache Cache { get; }

    /// <summary>The rows of the batch that see an image, ascending; queries and outputs are of these.</summary>
    public IReadOnlyList<int> Seeing => _seeing;

    public VisionModel Vision => _vision;

    /// <summary>The steps of a reading; fills <paramref name="features"/>.</summary>
    public IEnumerable<double> Read(ImageTiles image, ImageFeatures features)
    {
        using NativeBuffer states = new(), keys = new(), values = new();
        var projected = states.Reserve(features.Tokens, _config.HiddenSize);
        foreach (var done in _vision.Encode(image, features.Adapter, projected))
            yield return EncoderShare * done;
        _adapters.Prepare(features.Adapter);
        var (steps, ready) = (_layers.Length * ((projected.Rows + ChunkRows - 1) / ChunkRows), 0.0);
        for (var layer = 0; layer < _layers.Length; layer++)
            for (var first = 0; first < projected.Rows; first += ChunkRows)
            {
                var chunk = projected.Slice(first, Math.Min(ChunkRows, projected.Rows - first));
                var (k, v) = (keys.Reserve(chunk.Rows, _config.KvHeadCount * _config.HeadSize), values.Reserve(chunk.Rows, _config.KvHeadCount * _config.HeadSize));
                _layers[layer].Key.Apply(chunk, k);
                _layers[layer].KeyNorm.Apply(k.InRowsOf(_config.HeadSize), k.InRowsOf(_config.HeadSize));
                _layers[layer].Value.Apply(chunk, v);
                features.Write(_compute, layer, first, k, v);
                yield return EncoderShare + (1 - EncoderShare) * ++ready / steps;
            }
    }

    /// <summary>Finds out which rows of a batch see which images.</summary>
    public void Prepare(Row[] rows)
    {
        _seeing.Clear();
        _attention.Clear();
        for (int first = 0, end; first < rows.Length; first = end)
        {
            var images = rows[first].Sequence.ImagesAt(rows[first].Position);
            for (end = first + 1; end < rows.Length && rows[end].Sequence == rows[first].Sequence && rows[end].Sequence.ImagesAt(rows[end].Position) == images;)
                end++;
            if (images.First == images.End)
                continue;
            var seen = rows[first].Sequence.Images.Take(images.End).Skip(images.First);
            _attention.Add(_seeing.Count, end - first, [.. seen.Select(image => image.Part)]);
            _seeing.AddRange(Enumerable.Range(first, end - first));
        }
        _attention.Schedule();
    }

    /// <summary>output = attention of the queries [seeing rows, heads * head size] of a block on the images of their rows.</summary>
    public void Attend(int layer, Matrix q, Matrix output) => _attention.Apply(Cache.Offset(layer), q, output);

    public void Dispose()
    {
        _vision.Dispose();
        _attention.Dispose();
        _adapters.Dispose();
        foreach (var (key, value, norm) in _layers)
        {
            key.Dispose();
            value.Dispose();
            norm.Dispose();
        }
    }
}

/// <summary>An image that is being read. Not thread-safe; belongs to whoever uses the model.</summary>
sealed class ImageReading : IDisposable
{
    readonly ImageFeatures _features;
    readonly IEnumerator<double> _steps;
    bool _isTaken;

    /// <param name="reader">The model's.</param>
    /// <param name="image">The tiles.</param>
    /// <param name="adapter">With which they are read; it is kept from being unloaded.</param>
    /// <param name="compute">The model's.</param>
    public ImageReading(ImageReader reader, ImageTiles image, Adapter? adapter, Compute compute)
    {
        reader.Vision.Check(image);
        adapter?.Acquire(compute);
        _features = new ImageFeatures(reader.Cache, image.Hash, adapter, reader.Vision.Tokens(image));
        _steps = reader.Read(image, _features).GetEnumerator();
    }

    /// <summary>Whether it is that of an image with an adapter.</summary>
    public bool IsOf(ImageTiles image, Adapter? adapter) => _features.IsOf(image, adapter);

    /// <summary>The part of the work that is done.</summary>
    public double Part => _steps.Current;

    /// <summary>Does a step; true when none is left.</summary>
    public bool Advance() => !_steps.MoveNext();

    /// <summary>What was read, for the caller to dispose; once, behind the last step.</summary>
    public ImageFeatures Take()
    {
        _isTaken = true;
        return _features;
    }

    public void Dispose()
    {
        _steps.Dispose();
        _features.Adapter?.Release();
        if (!_isTaken)
            _features.Dispose();
    }
}
