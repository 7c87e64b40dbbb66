using SkiaSharp;

namespace Cria.Images;

/// <summary>
/// Decodes PNG, JPEG, WebP, GIF (the first frame) and BMP as the reference's loader does: colours as they are stored, without colour
/// management, alpha not applied (<c>Image.open(file).convert("RGB")</c>); the orientation that EXIF gives is applied, as users expect.
/// Safe from any number of threads.
/// </summary>
static unsafe class ImageDecoder
{
    /// <summary>Bytes of a file, which are read whole.</summary>
    public const int MaxBytes = 1 << 28;

    /// <summary>Pixels and pixels along a side; known from a file's head, before memory for them is asked for.</summary>
    public const int MaxPixels = 100_000_000, MaxSide = 65_535;

    static readonly Dictionary<SKEncodedImageFormat, string> Formats = new()
    {
        [SKEncodedImageFormat.Png] = "PNG",
        [SKEncodedImageFormat.Jpeg] = "JPEG",
        [SKEncodedImageFormat.Webp] = "WebP",
        [SKEncodedImageFormat.Gif] = "GIF",
        [SKEncodedImageFormat.Bmp] = "BMP",
    };

    /// <summary>Reads a file whole.</summary>
    /// <exception cref="CriaException">It cannot be read, or has more than <see cref="MaxBytes"/>.</exception>
    public static ReadOnlySpan<byte> ReadFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return ReadStream(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException) // the last of no name or of one that none can have
        {
            throw new CriaException(e is ArgumentException or FileNotFoundException or DirectoryNotFoundException ? $"{(path.Length == 0 ? "\"\"" : path)}: there is no such file" : $"{path}: {e.Message}", e);
        }
    }

    /// <summary>Reads a stream to its end.</summary>
    /// <param name="stream">Need not be seekable.</param>
    /// <param name="name">What an error calls it.</param>
    /// <exception cref="CriaException">It has more than <see cref="MaxBytes"/>.</exception>
    public static ReadOnlySpan<byte> ReadStream(Stream stream, string name)
    {
        var bytes = new MemoryStream(stream.CanSeek ? (int)Math.Clamp(stream.Length - stream.Position, 0, MaxBytes) : 0);
        var part = new byte[1 << 16];
        for (int read; (read = stream.Read(part)) > 0;)
        {
            if (bytes.Length + read > MaxBytes)
                throw new CriaException($"{name}: more than {MaxBytes >> 20} MiB are too many for an image");
            bytes.Write(part, 0, read);
        }
        return bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
    }

    /// <summary>Decodes an image; the caller disposes it.</summary>
    /// <param name="bytes">The encoded image; its first bytes tell the format.</param>
    /// <param name="name">What an error calls it.</param>
    /// <exception cref="CriaException">It is no image of these formats, is damaged or cut off, or is larger than the limits.</exception>
    public static RgbaImage Decode(ReadOnlySpan<byte> bytes, string name)
    {
        uint? backdrop = null;
        if (bytes.StartsWith("GIF8"u8))
        {
            bytes = GifBackdrop.Opaque(bytes, out var color);
            backdrop = color;
        }
        fixed (byte* start = bytes)
        {
            using var data = SKData.Create((nint)start, bytes.Length);
            using var codec = SKCodec.Create(data) ?? throw new CriaException($"{name}: no PNG, JPEG, WebP, GIF or BMP image, or one whose head is damaged");
            if (!Formats.TryGetValue(codec.EncodedFormat, out var format))
                throw new CriaException($"{name}: {codec.EncodedFormat} images are not supported, only PNG, JPEG, WebP, GIF and BMP");
            var (width, height) = (codec.Info.Width, codec.Info.Height);
            if (width > MaxSide || height > MaxSide || (long)width * height > MaxPixels)
                throw new CriaException($"{name}: {width} x {height} pixels; at most {MaxPixels / 1_000_000} million and {MaxSide} along a side are supported");
            if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg)
                JpegScans.Check(bytes, (long)width * height, name);
            var image = new RgbaImage(width, height);
            try
            {
                var result = codec.GetPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul, null), (nint)image.Pixels);
                if (result != SKCodecResult.Success)
                    throw new CriaException($"{name}: the {format} image is {(result == SKCodecResult.IncompleteInput ? "cut off" : "damaged")}");
                if (backdrop is { } undrawn)
                    image.Replace(0, undrawn);
                return Orientation.Apply(image, codec.EncodedFormat switch
                {
                    SKEncodedImageFormat.Png => ExifOrientation.OfPng(bytes),
                    SKEncodedImageFormat.Webp => ExifOrientation.OfWebp(bytes),
                    _ => codec.EncodedOrigin,
                });
            }
            catch
            {
                image.Dispose();
                throw;
            }
        }
    }
}
