using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>
/// The image encoder of Llama 3.2 Vision and its projector (spec llama32-vision 3): patches and a class token for every tile; local blocks; gated global
/// blocks; the output and the inputs of some local blocks, projected to the width of the text model.
/// </summary>
/// <remarks>
/// The reference fills every image up to the largest number of tiles, and every tile up to a multiple of 8 tokens, and lets real tokens attend to
/// all of that. Tokens of padding are alike: all those behind one tile are, and every padding tile is the same as the others, because they begin
/// alike and see the same. So each kind is computed once and counts as often as it stands there: the same result, for a half of the work where an
/// image has one tile.
/// </remarks>
sealed unsafe class VisionModel : IDisposable
{
    /// <summary>Rows computed together.</summary>
    const int ChunkRows = 512;

    /// <summary>Epsilon of the norms outside of blocks.</summary>
    const float OuterEpsilon = 1e-5f;

    readonly VisionConfig _config;
    readonly Compute _compute;
    readonly RowAdapters _adapters = new();
    readonly Linear _patch, _projector;
    readonly VectorWeight _class, _projectorBias;
    readonly Embedding _position, _tilePosition, _preTile, _postTile;
    readonly float _positionGate, _preTileGate, _postTileGate;
    readonly LayerNorm _preNorm, _postNorm;
    readonly Block[] _blocks;
    readonly KvFormat _format;

    /// <param name="checkpoint">The weights.</param>
    /// <param name="exact">Whether to compute in float32 also where rounding to BF16 is faster.</param>
    /// <param name="compute">The threads.</param>
    public VisionModel(Checkpoint checkpoint, bool exact, Compute compute)
    {
        (_config, _compute) = (checkpoint.Config.Vision!, compute);
        var headSize = _config.Width / _config.HeadCount;
        _format = exact ? compute.Kernels.CreateKvFormat(ElementType.F32, headSize) : compute.Kernels.CreateRoundedKvFormat(headSize);
        _patch = Linear(TensorRole.VisionPatch);
        _class = Vector(TensorRole.VisionClass);
        (_position, _tilePosition, _preTile, _postTile) = (Table(TensorRole.VisionPosition), Table(TensorRole.VisionTilePosition), Table(TensorRole.VisionPreTile), Table(TensorRole.VisionPostTile));
        (_positionGate, _preTileGate, _postTileGate) = (Gate(TensorRole.VisionPositionGate), Gate(TensorRole.VisionPreTileGate), Gate(TensorRole.VisionPostTileGate));
        _preNorm = Norm(TensorRole.VisionPreNorm, OuterEpsilon);
        _postNorm = Norm(TensorRole.VisionPostNorm, OuterEpsilon);
        _blocks = [.. Enumerable.Range(0, _config.LayerCount).Select(layer => new Block(
            Norm(TensorRole.VisionAttentionNorm, _config.NormEpsilon, layer),
            Linear(TensorRole.VisionQuery, layer), Linear(TensorRole.VisionKey, layer), Linear(TensorRole.VisionValue, layer), Linear(TensorRole.VisionOutput, layer),
            Norm(TensorRole.VisionFeedForwardNorm, _config.NormEpsilon, layer),
            Linear(TensorRole.VisionUp, layer), Vector(TensorRole.VisionUpBias, layer), Linear(TensorRole.VisionDown, layer), Vector(TensorRole.VisionDownBias, layer),
            layer < _config.LocalLayerCount ? 1 : Gate(TensorRole.VisionAttentionGate, layer), layer < _config.LocalLayerCount ? 1 : Gate(TensorRole.VisionFeedForwardGate, layer)))];
        (_projector, _projectorBias) = (Linear(TensorRole.VisionProjector), Vector(TensorRole.VisionProjectorBias));

        Linear Linear(TensorRole role, int layer = 0) => new(checkpoint, role, layer, _adapters, compute, rounds: !exact);
        VectorWeight Vector(TensorRole role, int layer = 0) => new(checkpoint.Get(role, layer));
        LayerNorm Norm(TensorRole role, float epsilon, int layer = 0) => new(checkpoint.Get(role, layer), checkpoint.Get(role + 1, layer), epsilon, compute);
        float Gate(TensorRole role, int layer = 0) => VectorWeight.Gate(checkpoint.Get(role, layer));
        Embedding Table(TensorRole role) => new(checkpoint.Get(role).Reshape(_config.Width), null);
    }

    /// <summary>Tokens of an image that the text model sees: those of its tiles.</summary>
    public int Tokens(ImageTiles image) => image.Count * _config.TileTokens;

    /// <summary>Says whether an image is of this model's tiles.</summary>
    /// <exception cref="CriaException">It is not.</exception>
    public void Check(ImageTiles image)
    {
        if (image.TileSize != _config.TileSize || Id(image) == 0)
            throw new CriaException($"an image in {image.Rows} x {image.Columns} tiles of {image.TileSize}, the model takes up to {_config.MaxTiles} of {_config.TileSize}");
    }

    /// <summary>
    /// Encodes an image in steps of a fraction of a second, so that the caller can do other work with the same threads in between. Gives after each
    /// step which part of the work is done. One image at a time.
    /// </summary>
    /// <param name="image">The tiles; <see cref="Check"/> them before.</param>
    /// <param name="adapter">With which they are read.</param>
    /// <param name="projected">[tokens, D]; gets the states that cross-attention has keys and values of.</param>
    /// <param name="features">[tokens, features] the same before the projector; null if they are not wanted.</param>
    public IEnumerable<double> Encode(ImageTiles image, Adapter? adapter, Matrix projected, Matrix? features = null)
    {
        _adapters.Prepare(adapter);
        var id = Id(image);
        using var tokens = new VisionTokens(_config, image.Count, _format);
        var (rows, real) = (tokens.Rows, tokens.Real.Count);
        using NativeBuffer xs = new(), queries = new(), inner = new(), keys = new(), values = new(), hidden = new(), featureMemory = new();
        using var runs = new AttentionRuns(_format, _config.HeadCount, _config.HeadCount, _compute);
        var x = xs.Reserve(rows, _config.Width);
        var q = queries.Reserve(rows, _config.Width);
        var states = features ?? featureMemory.Reserve(real, _config.FeatureSize);
        var (steps, done) = (1 + _blocks.Length * 2 * Chunks(rows) + Chunks(projected.Rows), 0.0);

        Embed(image, id, x, tokens);
        yield return ++done / steps;
        for (var layer = 0; layer < _blocks.Length; layer++)
        {
            var block = _blocks[layer];
            if (layer == _config.LocalLayerCount)
                BeginGlobal(id, image.Count, x, tokens);
            else if (Feature(layer) is >= 0 and var feature)
                CopyFeature(x, states, _config.Width + feature, _config.IntermediateLayers.Count);
            for (var first = 0; first < rows; first += ChunkRows)
            {
                var chunk = x.Slice(first, Math.Min(ChunkRows, rows - first));
                var (n, k, v) = (inner.Reserve(chunk.Rows, chunk.Columns), keys.Reserve(chunk.Rows, chunk.Columns), values.Reserve(chunk.Rows, chunk.Columns));
                block.AttentionNorm.Apply(chunk, n);
                block.Query.Apply(n, q.Slice(first, chunk.Rows));
                block.Key.Apply(n, k);
                block.Value.Apply(n, v);
                tokens.Write(_compute, first, k, v);
                yield return ++done / steps;
            }
            for (var first = 0; first < rows; first += ChunkRows)
            {
                var chunk = x.Slice(first, Math.Min(ChunkRows, rows - first));
                var (n, a, up) = (inner.Reserve(chunk.Rows, chunk.Columns), keys.Reserve(chunk.Rows, chunk.Columns), hidden.Reserve(chunk.Rows, _config.FeedForwardSize));
                var seeing = Math.Clamp(real - first, 0, chunk.Rows);
                runs.Clear();
                runs.Add(0, seeing, tokens.Parts);
                runs.Add(seeing, chunk.Rows - seeing, tokens.Parts[0]); // padding does not see padding
                runs.Schedule();
                runs.Apply(0, q.Slice(first, chunk.Rows), a);
                block.Output.Apply(a, n);
                _compute.AddScaled(chunk, n, block.AttentionGate);

                block.FeedForwardNorm.Apply(chunk, n);
                block.Up.Apply(n, up);
                block.UpBias.AddTo(up, _compute);
                _compute.Gelu(up);
                block.Down.Apply(up, n);
                block.DownBias.AddTo(n, _compute);
                _compute.AddScaled(chunk, n, block.FeedForwardGate);
                yield return ++done / steps;
            }
        }
        if (_config.GlobalLayerCount == 0)
            BeginGlobal(id, image.Count, x, tokens);
        CopyFeature(x, states, 0, 1);
        for (var first = 0; first < projected.Rows; first += ChunkRows)
        {
            var chunk = projected.Slice(first, Math.Min(ChunkRows, projected.Rows - first));
            _projector.Apply(states.Slice(first, chunk.Rows), chunk);
            (adapter?.ProjectorBias ?? _projectorBias).AddTo(chunk, _compute);
            yield return ++done / steps;
        }
    }

    int Id(ImageTiles image) => _config.AspectRatios.ToList().IndexOf((image.Rows, image.Columns)) + 1;

    static int Chunks(int rows) => (rows + ChunkRows - 1) / ChunkRows;

    /// <summary>The tokens before the first block.</summary>
    void Embed(ImageTiles image, int id, Matrix x, VisionTokens layout)
    {
        var (tokens, side) = (_config.TileTokens, _config.TileSize / _config.PatchSize);
        using NativeBuffer pixelMemory = new(), patchMemory = new();
        var pixels = pixelMemory.Reserve(3L * _config.TileSize * _config.TileSize);
        var patches = patchMemory.Reserve(tokens - 1, 3 * _config.PatchSize * _config.PatchSize);
        for (var tile = 0; tile < image.Count; tile++)
        {
            image.Normalize(tile, new Span<float>(pixels, 3 * _config.TileSize * _config.TileSize));
            for (var patch = 0; patch < patches.Rows; patch++)
                CopyPatch(pixels, patch / side * _config.PatchSize, patch % side * _config.PatchSize, patches[patch]);
            _patch.Apply(patches, x.Slice(tile * tokens + 1, patches.Rows));
            AddPositions(x.Slice(tile * tokens, tokens), id, tile);
        }
        for (var row = layout.Real.End; row < x.Rows; row++)
            new Span<float>(x[row], x.Columns).Clear();
        if (layout.PaddingTile.Count > 0)
            AddPositions(x.Slice(layout.PaddingTile.First, tokens), id, tile: null);
    }

    /// <summary>The pixels of a patch, channel by channel.</summary>
    void CopyPatch(float* pixels, int top, int left, float* patch)
    {
        var (tile, size) = (_config.TileSize, _config.PatchSize);
        for (var channel = 0; channel < 3; channel++)
            for (var row = 0; row < size; row++, patch += size)
                NativeMemory.Copy(pixels + ((nint)channel * tile + top + row) * tile + left, patch, (nuint)size * sizeof(float));
    }

    /// <summary>From the patches of a tile (null: of padding) to its tokens: class token, embeddings of tile and position, norm.</summary>
    void AddPositions(Matrix x, int id, int? tile)
    {
        var cell = id * _config.MaxTiles + (tile ?? 0);
        _compute.ForRows(x.Rows, x.Columns, 1, (first, end) =>
        {
            using var memory = new NativeBuffer();
            float* row = memory.Reserve(2L * x.Columns), ofTile = row + x.Columns;
            _preTile.Lookup(cell, ofTile);
            for (var token = first; token < end; token++)
            {
                if (token == 0)
                    NativeMemory.Copy(_class.Data, x[0], (nuint)x.Columns * sizeof(float));
                else if (tile is not null)
                    AddScaled(x[token], ofTile, _preTileGate);
                _position.Lookup(token, row);
                AddScaled(x[token], row, 1 - _positionGate);
                if (tile is null)
                    continue;
                _tilePosition.Lookup(cell * x.Rows + token, row);
                AddScaled(x[token], row, _positionGate);
            }
        });
        _preNorm.Apply(x, x);
    }

    /// <summary>What lies between local and global blocks.</summary>
    void BeginGlobal(int id, int tiles, Matrix x, VisionTokens layout)
    {
        _postNorm.Apply(x, x);
        using var memory = new NativeBuffer();
        var ofTile = memory.Reserve(x.Columns);
        for (var tile = 0; tile < tiles; tile++)
        {
            _postTile.Lookup(id * _config.MaxTiles + tile, ofTile);
            for (var token = 0; token < _config.TileTokens; token++)
                AddScaled(x[tile * _config.TileTokens + token], ofTile, _postTileGate);
            if (layout.BehindTiles.Count > 0)
                AddScaled(x[layout.BehindTiles.First + tile], ofTile, _postTileGate);
        }
    }

    /// <summary>Which of the intermediate features the input of a block is; -1 for none.</summary>
    int Feature(int layer) => _config.IntermediateLayers.ToList().IndexOf(layer);

    /// <summary>Copies the real tokens to every <paramref name="step"/>-th place from <paramref name="start"/> on.</summary>
    static void CopyFeature(Matrix x, Matrix features, int start, int step)
    {
        for (var row = 0; row < features.Rows; row++)
            for (var i = 0; i < x.Columns; i++)
                features[row][start + i * step] = x[row][i];
    }

    void AddScaled(float* x, float* y, float factor) => _compute.Kernels.AddScaled(x, y, factor, _config.Width);

    public void Dispose()
    {
        foreach (var block in _blocks)
            block.Dispose();
        foreach (var part in (IDisposable[])[_patch, _projector, _class, _projectorBias, _preNorm, _postNorm, _adapters])
            part.Dispose();
    }

    sealed record Block(LayerNorm AttentionNorm, Linear Query, Linear Key, Linear Value, Linear Output,
        LayerNorm FeedForwardNorm, Linear Up, VectorWeight UpBias, Linear Down, VectorWeight DownBias, float AttentionGate, float FeedForwardGate) : IDisposable
    {
        public void Dispose()
        {
            foreach (var part in (IDisposable[])[AttentionNorm, Query, Key, Value, Output, FeedForwardNorm, Up, UpBias, Down, DownBias])
                part.Dispose();
        }
    }
}
