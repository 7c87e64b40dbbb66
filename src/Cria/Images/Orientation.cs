using SkiaSharp;

namespace Cria.Images;

/// <summary>Turns and mirrors a picture as EXIF's orientation asks: the name of an origin says where the first row and the first column are seen.</summary>
static unsafe class Orientation
{
    /// <summary>Side of the squares in which a picture is turned: rows of both pictures stay in the first-level cache.</summary>
    const int Square = 32;

    /// <summary>The picture upright; <paramref name="image"/> itself, or a new one, and then <paramref name="image"/> is disposed.</summary>
    public static RgbaImage Apply(RgbaImage image, SKEncodedOrigin origin)
    {
        if (origin == SKEncodedOrigin.TopLeft)
            return image;
        var (width, height) = (image.Width, image.Height);
        var isTurned = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        // Upright pixel (x, y) is stored at first + x * right + y * down.
        nint w = width, last = w * height - 1, lastRow = last - (w - 1);
        var (first, right, down) = origin switch
        {
            SKEncodedOrigin.TopRight => (w - 1, -1, w),
            SKEncodedOrigin.BottomRight => (last, -1, -w),
            SKEncodedOrigin.BottomLeft => (lastRow, 1, -w),
            SKEncodedOrigin.LeftTop => ((nint)0, w, (nint)1),
            SKEncodedOrigin.RightTop => (lastRow, -w, 1),
            SKEncodedOrigin.RightBottom => (last, -w, -1),
            SKEncodedOrigin.LeftBottom => (w - 1, w, -1),
            _ => throw new ArgumentOutOfRangeException(nameof(origin), origin, null),
        };
        var upright = isTurned ? new RgbaImage(height, width) : new RgbaImage(width, height);
        for (var top = 0; top < upright.Height; top += Square)
            for (var left = 0; left < upright.Width; left += Square)
                for (var y = top; y < Math.Min(upright.Height, top + Square); y++)
                {
                    var source = image.Pixels + first + y * down;
                    var target = upright.Row(y);
                    for (var x = left; x < Math.Min(upright.Width, left + Square); x++)
                        target[x] = source[x * right];
                }
        image.Dispose();
        return upright;
    }
}
