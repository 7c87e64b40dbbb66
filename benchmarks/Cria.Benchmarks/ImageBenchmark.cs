using System.Diagnostics;
using Cria.Images;
using Cria.Kernels;
using Cria.Models;
using SkiaSharp;

namespace Cria.Benchmarks;

/// <summary>A JPEG photo's way to the tiles of a vision model, step by step, beside Skia's own resize of the same pixels. Medians in milliseconds.</summary>
static unsafe class ImageBenchmark
{
    const int TileSize = 560;

    public static void Run(string[] arguments)
    {
        var (width, height, rounds) = arguments is [var w, var h, .. var rest] ? (int.Parse(w), int.Parse(h), rest is [var r] ? int.Parse(r) : 7) : (4000, 3000, 7);
        var jpeg = Photo(width, height);
        var transform = new ImageTransform(TileSize);
        var (rows, columns) = transform.ChooseCanvas(width, height);
        var (newWidth, newHeight) = transform.ResizedSize(width, height, rows, columns);
        using var decoded = ImageDecoder.Decode(jpeg, "photo");
        using var resized = Resize(decoded, newWidth, newHeight, 1);
        Console.WriteLine($"{width} x {height} JPEG of {jpeg.Length >> 10} KB to {newWidth} x {newHeight} in {rows} x {columns} tiles, {Environment.ProcessorCount} processors");
        (string Name, Action Step)[] steps =
        [
            ("decode", () => ImageDecoder.Decode(jpeg, "photo").Dispose()),
            ("resize, 1 thread", () => Resize(decoded, newWidth, newHeight, 1).Dispose()),
            ($"resize, {Environment.ProcessorCount} threads", () => Resize(decoded, newWidth, newHeight, Environment.ProcessorCount).Dispose()),
            ("tiles and hash", () => ImageTiles.Cut(resized, TileSize, rows, columns)),
            ("all", () => transform.Apply(jpeg, "photo")),
            ("Skia: linear with mipmaps", () => Skia(decoded, newWidth, newHeight, new(SKFilterMode.Linear, SKMipmapMode.Linear))),
            ("Skia: cubic (Mitchell)", () => Skia(decoded, newWidth, newHeight, new(SKCubicResampler.Mitchell))),
        ];
        var times = steps.Select(_ => new List<double>()).ToArray();
        for (var round = -1; round < rounds; round++) // the first warms up
            for (var i = 0; i < steps.Length; i++)
            {
                var watch = Stopwatch.StartNew();
                steps[i].Step();
                if (round >= 0)
                    times[i].Add(watch.Elapsed.TotalMilliseconds);
            }
        for (var i = 0; i < steps.Length; i++)
            Console.WriteLine($"{steps[i].Name,-28} {times[i].Order().ElementAt(rounds / 2),8:0.0} ms   best {times[i].Min(),8:0.0}");
    }

    static RgbaImage Resize(RgbaImage image, int width, int height, int threads)
    {
        using var workers = new WorkerPool(threads);
        return Resampler.Resize(image, width, height, workers);
    }

    static void Skia(RgbaImage image, int width, int height, SKSamplingOptions sampling)
    {
        using var source = new SKPixmap(Info(image.Width, image.Height), (nint)image.Pixels);
        using var target = new SKBitmap(Info(width, height));
        using var pixels = target.PeekPixels();
        if (!source.ScalePixels(pixels, sampling))
            throw new InvalidOperationException("Skia does not resize");
    }

    static SKImageInfo Info(int width, int height) => new(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);

    /// <summary>Smooth shapes with some noise, which a JPEG takes about as many bytes for as for a photo.</summary>
    public static byte[] Photo(int width, int height)
    {
        using var bitmap = new SKBitmap(Info(width, height));
        var (pixels, random) = ((nint)bitmap.GetPixels(), new Random(1));
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var shade = 128 + 60 * Math.Sin(x / 97.0 + Math.Sin(y / 61.0)) + 40 * Math.Cos(y / 143.0) + random.Next(-6, 7);
                ((uint*)pixels)[(nint)y * width + x] = (uint)(byte)shade | (uint)(byte)(shade * 0.8) << 8 | (uint)(byte)(255 - shade) << 16 | 0xFF000000;
            }
        using var jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        return jpeg!.ToArray();
    }
}
