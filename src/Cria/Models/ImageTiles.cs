using System.Buffers.Binary;
using System.Security.Cryptography;
using Cria.Images;

namespace Cria.Models;

/// <summary>An image as the vision model reads it: the tiles of a canvas of rows and columns. Immutable.</summary>
public sealed class ImageTiles
{
    const int Channels = 3;

    // CLIP's, as the reference has them.
    internal static readonly float[] Mean = [0.48145466f, 0.4578275f, 0.40821073f], Deviation = [0.26862954f, 0.26130258f, 0.27577711f];

    /// <summary>(level / 255 - mean) / deviation of every level of red, green and blue.</summary>
    static readonly float[][] Normalized = [.. Enumerable.Range(0, Channels).Select(c => Enumerable.Range(0, 256).Select(level => (level / 255f - Mean[c]) / Deviation[c]).ToArray())];

    readonly byte[] _levels;

    ImageTiles(int tileSize, int rows, int columns, byte[] levels)
    {
        (TileSize, Rows, Columns, _levels) = (tileSize, rows, columns, levels);
        Span<byte> shape = stackalloc byte[3 * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(shape, tileSize);
        BinaryPrimitives.WriteInt32LittleEndian(shape[4..], rows);
        BinaryPrimitives.WriteInt32LittleEndian(shape[8..], columns);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(shape);
        hash.AppendData(levels);
        Hash = Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Pixels along the side of a tile, T.</summary>
    public int TileSize { get; }

    /// <summary>Rows of tiles; the first number of the reference's aspect ratio.</summary>
    public int Rows { get; }

    /// <summary>Columns of tiles.</summary>
    public int Columns { get; }

    /// <summary>Tiles, row after row.</summary>
    public int Count => Rows * Columns;

    /// <summary>Levels of red, green and blue before normalisation, [tile, channel, T, T]; what the image does not cover is 0.</summary>
    public ReadOnlySpan<byte> Levels => _levels;

    /// <summary>
    /// SHA-256 of tiles and shape in hexadecimal, which is all that a model's features depend on: the same picture in another file, or in another
    /// lossless format, has the same one.
    /// </summary>
    public string Hash { get; }

    /// <summary>A tile's normalised values [3, T, T]: (level / 255 - mean) / deviation, a channel at a time.</summary>
    /// <param name="tile">From 0; of row r and column c it is r·<see cref="Columns"/> + c.</param>
    /// <param name="target">Room for 3·T·T values.</param>
    public void Normalize(int tile, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)tile, (uint)Count, nameof(tile));
        var plane = TileSize * TileSize;
        for (var channel = 0; channel < Channels; channel++)
        {
            var values = Normalized[channel];
            var levels = _levels.AsSpan((tile * Channels + channel) * plane, plane);
            var output = target.Slice(channel * plane, plane);
            for (var i = 0; i < levels.Length; i++)
                output[i] = values[levels[i]];
        }
    }

    /// <summary>The tiles of the canvas with the picture at its top left.</summary>
    internal static unsafe ImageTiles Cut(RgbaImage image, int tileSize, int rows, int columns)
    {
        var plane = tileSize * tileSize;
        var levels = new byte[rows * columns * Channels * plane];
        for (var y = 0; y < image.Height; y++)
            for (var column = 0; column * tileSize < image.Width; column++)
            {
                var first = (y / tileSize * columns + column) * Channels * plane + y % tileSize * tileSize;
                var pixels = new ReadOnlySpan<uint>(image.Row(y) + column * tileSize, Math.Min(tileSize, image.Width - column * tileSize));
                var red = levels.AsSpan(first, pixels.Length);
                var green = levels.AsSpan(first + plane, pixels.Length);
                var blue = levels.AsSpan(first + 2 * plane, pixels.Length);
                for (var x = 0; x < pixels.Length; x++)
                    (red[x], green[x], blue[x]) = ((byte)pixels[x], (byte)(pixels[x] >> 8), (byte)(pixels[x] >> 16));
            }
        return new ImageTiles(tileSize, rows, columns, levels);
    }
}
