using Cria.Formats;
using Cria.Images;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>
/// Makes the tiles of an image that the vision model reads (llama-models, multimodal/image_transform.py; spec section 2): a canvas of up to
/// <see cref="MaxTiles"/> tiles is chosen, the image is resized into it with Pillow's antialiased bilinear filter, bit for bit, and put
/// to its top left; the rest is black. EXIF's orientation is honoured and alpha dropped. Safe from any number of threads.
/// </summary>
public sealed class ImageTransform
{
    const int MaxTileSize = 4096, MostTiles = 64;

    readonly IReadOnlyList<(int Rows, int Columns)> _canvases;

    /// <param name="tileSize">Pixels along the side of a tile.</param>
    /// <param name="maxTiles">Tiles of the largest canvas.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is none of any model.</exception>
    public ImageTransform(int tileSize, int maxTiles = 4)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tileSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tileSize, MaxTileSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTiles, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxTiles, MostTiles);
        (TileSize, MaxTiles) = (tileSize, maxTiles);
        _canvases = VisionConfig.Layouts(maxTiles);
    }

    /// <summary>The transform that the files of a vision model ask for; weights are not read.</summary>
    /// <param name="nameOrPath">A path, or a name that `cria models` lists.</param>
    /// <param name="threads"><inheritdoc cref="Threads"/></param>
    /// <exception cref="CriaException">There is no such model, or it takes no images.</exception>
    public static ImageTransform For(string nameOrPath, int threads = 1)
    {
        var path = ModelLocator.Resolve(nameOrPath);
        var vision = VisionConfig.Of(path) ?? throw new CriaException($"{path}: a text model, which takes no images");
        return new ImageTransform(vision.TileSize, vision.MaxTiles) { Threads = threads };
    }

    /// <summary>Pixels along the side of a tile, T.</summary>
    public int TileSize { get; }

    /// <summary>Tiles of the largest canvas.</summary>
    public int MaxTiles { get; }

    /// <summary>Threads that resize one image; decoding has one. Whoever transforms many images at once leaves it at 1.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>The tiles of an image file: PNG, JPEG, WebP, GIF (its first frame) or BMP.</summary>
    /// <exception cref="CriaException">It cannot be read, is no such image, is damaged or cut off, or has too many bytes or pixels.</exception>
    public ImageTiles Apply(string path) => Apply(ImageDecoder.ReadFile(path), path);

    /// <summary>The tiles of the image that a stream holds up to its end.</summary>
    /// <param name="stream">Need not be seekable; it is left open.</param>
    /// <param name="name">What an error calls the image.</param>
    /// <exception cref="CriaException"><inheritdoc cref="Apply(string)"/></exception>
    public ImageTiles Apply(Stream stream, string name) => Apply(ImageDecoder.ReadStream(stream, name), name);

    /// <summary>The tiles of an image in memory.</summary>
    /// <param name="bytes">The encoded image; its first bytes tell the format.</param>
    /// <param name="name">What an error calls the image.</param>
    /// <exception cref="CriaException"><inheritdoc cref="Apply(string)"/></exception>
    public ImageTiles Apply(ReadOnlySpan<byte> bytes, string name)
    {
        using var image = ImageDecoder.Decode(bytes, name);
        return Apply(image);
    }

    internal ImageTiles Apply(RgbaImage image)
    {
        var (rows, columns) = ChooseCanvas(image.Width, image.Height);
        var (width, height) = ResizedSize(image.Width, image.Height, rows, columns);
        using var workers = new WorkerPool(Threads);
        using var resized = Resampler.Resize(image, width, height, workers);
        return ImageTiles.Cut(resized, TileSize, rows, columns);
    }

    /// <summary>
    /// The canvas in tiles: of those that hold the image without reducing it the one that enlarges it least, else the one that reduces
    /// it least; of several the smallest. Scales min(W/w, H/h) are compared as fractions, without rounding.
    /// </summary>
    internal (int Rows, int Columns) ChooseCanvas(int width, int height)
    {
        var best = _canvases[0];
        var (bestUp, bestDown) = Scale(best);
        foreach (var canvas in _canvases.Skip(1))
        {
            var (up, down) = Scale(canvas);
            var (difference, holds, bestHolds) = (up * bestDown - bestUp * down, up >= down, bestUp >= bestDown);
            var isBetter = difference == 0 ? canvas.Rows * canvas.Columns < best.Rows * best.Columns
                : holds != bestHolds ? holds
                : holds ? difference < 0 : difference > 0;
            if (isBetter)
                (best, bestUp, bestDown) = (canvas, up, down);
        }
        return best;

        (long Up, long Down) Scale((int Rows, int Columns) canvas)
        {
            var (canvasWidth, canvasHeight) = ((long)canvas.Columns * TileSize, (long)canvas.Rows * TileSize);
            return canvasWidth * height <= canvasHeight * width ? (canvasWidth, width) : (canvasHeight, height);
        }
    }

    /// <summary>
    /// The size within the canvas: a side is enlarged to one tile at most. The floor of the products in double precision, as the
    /// reference has it, is not that of exact fractions; a side of 0 becomes 1.
    /// </summary>
    internal (int Width, int Height) ResizedSize(int width, int height, int rows, int columns)
    {
        var (targetWidth, targetHeight) = (Math.Min(Math.Max(width, TileSize), columns * TileSize), Math.Min(Math.Max(height, TileSize), rows * TileSize));
        var (horizontal, vertical) = ((double)targetWidth / width, (double)targetHeight / height);
        return horizontal < vertical
            ? (targetWidth, Math.Clamp((int)Math.Floor(height * horizontal), 1, targetHeight))
            : (Math.Clamp((int)Math.Floor(width * vertical), 1, targetWidth), targetHeight);
    }
}
