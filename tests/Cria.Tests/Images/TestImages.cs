using System.Buffers.Binary;
using SkiaSharp;

namespace Cria.Tests.Images;

/// <summary>Small pictures in every format.</summary>
static unsafe class TestImages
{
    /// <summary>The colour of a pixel of all pictures here: a gradient with an edge and some noise, so that turns and shifts show.</summary>
    public static (byte Red, byte Green, byte Blue) Color(int x, int y) => ((byte)(x * 5), (byte)(y * 7 + (x > 9 ? 90 : 0)), (byte)(x * 31 ^ y * 17));

    public static byte[] Png(int width, int height, byte alpha = 255) => Encode(width, height, SKEncodedImageFormat.Png, 100, alpha);

    public static byte[] Jpeg(int width, int height) => Encode(width, height, SKEncodedImageFormat.Jpeg, 90);

    /// <summary>Quality 100 is lossless.</summary>
    public static byte[] Webp(int width, int height, int quality) => Encode(width, height, SKEncodedImageFormat.Webp, quality);

    /// <summary>24 bits a pixel, the last row first, rows of multiples of four bytes.</summary>
    public static byte[] Bmp(int width, int height)
    {
        const int Head = 54;
        var stride = (width * 3 + 3) & ~3;
        var file = new byte[Head + stride * height];
        "BM"u8.CopyTo(file);
        foreach (var (at, value) in ((int, int)[])[(2, file.Length), (10, Head), (14, 40), (18, width), (22, height), (26, 1 | 24 << 16), (34, stride * height)])
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var pixel = file.AsSpan(Head + (height - 1 - y) * stride + 3 * x);
                (pixel[2], pixel[1], pixel[0]) = Color(x, y);
            }
        return file;
    }

    /// <summary>128 grays; a clear code before every hundred pixels keeps all codes at eight bits, so that a code is its byte.</summary>
    /// <param name="width">Of the picture.</param>
    /// <param name="height">Of the picture.</param>
    /// <param name="transparent">The gray that is marked as transparent, of 128.</param>
    /// <param name="border">Columns of the screen to the right of the picture.</param>
    public static byte[] Gif(int width, int height, byte? transparent = null, int border = 0)
    {
        using var file = new MemoryStream();
        file.Write("GIF89a"u8);
        file.Write([(byte)(width + border), 0, (byte)height, 0, 0xF6, 0, 0]);
        for (var gray = 0; gray < 128; gray++)
            file.Write([(byte)(2 * gray), (byte)(2 * gray), (byte)(2 * gray + 1)]);
        if (transparent is { } index)
            file.Write([0x21, 0xF9, 4, 1, 0, 0, index, 0]);
        file.Write([0x2C, 0, 0, 0, 0, (byte)width, 0, (byte)height, 0, 0, 7]);
        byte[][] parts = [.. Enumerable.Range(0, width * height).Select(i => (byte)(Color(i % width, i / width).Green >> 1)).Chunk(100)];
        foreach (var part in parts)
            file.Write([(byte)(part.Length + 1), 128, .. part]);
        file.Write([1, 129, 0, 0x3B]);
        return file.ToArray();
    }

    /// <summary>A PNG with another chunk put in behind its first, IHDR.</summary>
    public static byte[] WithChunk(byte[] png, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        const int FirstEnd = 8 + 12 + 13;
        return [.. png.AsSpan(0, FirstEnd), .. Chunk(type, data), .. png.AsSpan(FirstEnd)];
    }

    public static byte[] Chunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] chunk = [0, 0, 0, 0, .. type, .. data, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc(chunk.AsSpan(4, data.Length + 4)));
        return chunk;
    }

    /// <summary>A TIFF structure with an orientation in its first directory.</summary>
    public static byte[] Exif(int orientation, bool isLittle)
    {
        byte[] little = [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];
        byte[] big = [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0];
        return isLittle ? little : big;
    }

    /// <summary>A WebP in its extended form with a chunk of EXIF.</summary>
    public static byte[] WithExif(byte[] webp, int width, int height, ReadOnlySpan<byte> exif)
    {
        const byte HasExif = 8;
        byte[] file =
        [
            .. webp.AsSpan(0, 12), .. "VP8X"u8, 10, 0, 0, 0, HasExif, 0, 0, 0, (byte)(width - 1), 0, 0, (byte)(height - 1), 0, 0, .. webp.AsSpan(12),
            .. "EXIF"u8, (byte)exif.Length, 0, 0, 0, .. exif,
        ];
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - 8);
        return file;
    }

    /// <summary>CRC-32 of PNG.</summary>
    static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ ((crc & 1) * 0xEDB88320);
        }
        return ~crc;
    }

    static byte[] Encode(int width, int height, SKEncodedImageFormat format, int quality, byte alpha = 255)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var pixels = (uint*)bitmap.GetPixels();
        for (var i = 0; i < width * height; i++)
        {
            var (red, green, blue) = Color(i % width, i / width);
            pixels[i] = red | (uint)green << 8 | (uint)blue << 16 | (uint)alpha << 24;
        }
        using var picture = bitmap.PeekPixels();
        using var data = format switch
        {
            SKEncodedImageFormat.Webp => picture.Encode(new SKWebpEncoderOptions(quality == 100 ? SKWebpEncoderCompression.Lossless : SKWebpEncoderCompression.Lossy, quality)),
            _ => picture.Encode(format, quality),
        };
        return data!.ToArray();
    }
}
