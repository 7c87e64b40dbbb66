using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>The tokens of an image in the encoder, each kind of padding once, and their keys and values in one block.</summary>
sealed class VisionTokens : IDisposable
{
    /// <summary>Tokens of a tile in the reference are filled up to a multiple of this.</summary>
    const int TokenMultiple = 8;

    readonly KvCache _cache;
    readonly Kind[] _present;

    /// <summary>Neighbouring rows of one kind, and how often each of them counts; none where they stand nowhere.</summary>
    public readonly record struct Kind(int First, int Count, int Times)
    {
        public int End => First + Count;
    }

    public VisionTokens(VisionConfig config, int tiles, KvFormat format)
    {
        var (tokens, missing) = (config.TileTokens, config.MaxTiles - tiles);
        var padding = (TokenMultiple - tokens % TokenMultiple) % TokenMultiple;
        Real = new(0, tiles * tokens, 1);
        BehindTiles = new(Real.End, padding > 0 ? tiles : 0, padding);
        PaddingTile = new(BehindTiles.End, missing > 0 ? tokens : 0, missing);
        var last = new Kind(PaddingTile.End, padding * missing > 0 ? 1 : 0, padding * missing);
        _present = Array.FindAll([Real, BehindTiles, PaddingTile, last], kind => kind.Count > 0);
        _cache = new KvCache(1, config.HeadCount, format);
        Parts = Array.ConvertAll(_present, kind => new AttentionPart(
            [.. Enumerable.Range(0, KvCache.PagesOf(kind.Count)).Select(_ => _cache.AllocatePage())], kind.Count - 1, LogCount: MathF.Log2(kind.Times)));
    }

    /// <summary>Those of the tiles.</summary>
    public Kind Real { get; }

    /// <summary>The padding behind each tile: one for every tile.</summary>
    public Kind BehindTiles { get; }

    /// <summary>Those of a tile that the image does not have; the last row of all is the padding behind that.</summary>
    public Kind PaddingTile { get; }

    public int Rows => _present[^1].End;

    /// <summary>What a real token attends to; the first part are the real tokens themselves.</summary>
    public AttentionPart[] Parts { get; }

    /// <summary>Stores the keys and values of rows from <paramref name="first"/> on.</summary>
    public void Write(Compute compute, int first, Matrix keys, Matrix values) => _cache.Write(compute, 0, row =>
    {
        var kind = Array.FindIndex(_present, k => first + row < k.End);
        var position = first + row - _present[kind].First;
        return (Parts[kind].Pages[position / KvCache.PagePositions], position);
    }, keys, values);

    public void Dispose()
    {
        foreach (var page in Parts.SelectMany(p => p.Pages))
            _cache.FreePage(page);
    }
}
