using System.Buffers.Binary;
using System.Text;
using Cria.Images;

namespace Cria.Tests.Images;

public sealed unsafe class ImageDecoderTests
{
    const int Width = 21, Height = 13;

    public static TheoryData<string> Lossless => ["png", "bmp", "webp"];

    [Theory, MemberData(nameof(Lossless))]
    public void LosslessFormatsGiveThePixelsThatWereStored(string format)
    {
        using var image = Decode(Bytes(format));
        for (var y = 0; y < Height; y++)
            for (var x = 0; x < Width; x++)
                Assert.Equal(TestImages.Color(x, y), Rgb(image, x, y));
    }

    [Fact]
    public void GifGivesItsPalette()
    {
        using var image = Decode(Bytes("gif"));
        for (var y = 0; y < Height; y++)
            for (var x = 0; x < Width; x++)
                Assert.Equal(TestImages.Color(x, y).Green & 0xFE, Rgb(image, x, y).Red);
    }

    /// <summary>Also of pixels that cannot be seen at all.</summary>
    [Theory, InlineData(0), InlineData(1), InlineData(128)]
    public void AlphaIsDroppedAndTheColourUnderItStays(byte alpha)
    {
        using var image = Decode(TestImages.Png(Width, Height, alpha));
        Assert.Equal(TestImages.Color(20, 12), Rgb(image, 20, 12));
    }

    /// <summary>Outside of the frame too, where without a transparent colour there is the palette's first.</summary>
    [Theory, InlineData((byte)30), InlineData((byte)45), InlineData(null)]
    public void WhereAGifIsTransparentThatColourShows(byte? transparent)
    {
        using var image = Decode(TestImages.Gif(Width, Height, transparent, border: 2));
        for (var y = 0; y < Height; y++)
            for (var x = 0; x < Width + 2; x++)
            {
                var gray = (byte)(x < Width ? TestImages.Color(x, y).Green & 0xFE : 2 * (transparent ?? 0));
                Assert.Equal((gray, gray, (byte)(gray + 1)), Rgb(image, x, y));
            }
    }

    /// <summary>Where the stored pixel (x, y) is seen, by EXIF 2.32, 4.6.4: 1 to 4 mirror, 5 to 8 also turn.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8)]
    public void OrientationIsHonoured(int orientation)
    {
        // Larger than a square of the turn, in neither direction a multiple of it.
        const int W = 70, H = 45;
        using var image = Decode(TestImages.WithChunk(TestImages.Png(W, H), "eXIf"u8, TestImages.Exif(orientation, isLittle: orientation % 3 == 0)));
        Assert.Equal(orientation < 5 ? (W, H) : (H, W), (image.Width, image.Height));
        for (var y = 0; y < H; y++)
            for (var x = 0; x < W; x++)
            {
                var (seenX, seenY) = orientation switch
                {
                    1 => (x, y),
                    2 => (W - 1 - x, y),
                    3 => (W - 1 - x, H - 1 - y),
                    4 => (x, H - 1 - y),
                    5 => (y, x),
                    6 => (H - 1 - y, x),
                    7 => (H - 1 - y, W - 1 - x),
                    _ => (y, W - 1 - x),
                };
                Assert.Equal(TestImages.Color(x, y), Rgb(image, seenX, seenY));
            }
    }

    [Theory, InlineData(""), InlineData("Exif\0\0")]
    public void OrientationOfAWebpIsHonouredInBothForms(string prefix)
    {
        using var image = Decode(TestImages.WithExif(Bytes("webp"), Width, Height, [.. Encoding.ASCII.GetBytes(prefix), .. TestImages.Exif(6, isLittle: false)]));
        Assert.Equal((Height, Width), (image.Width, image.Height));
        Assert.Equal(TestImages.Color(20, 3), Rgb(image, Height - 1 - 3, 20));
    }

    [Theory]
    [InlineData("49492A0008000000"), InlineData("49492A00FFFFFFFF0100"), InlineData("4D4D002A0000000800"), InlineData(""), InlineData("49492A000800000001001201030001000000090000000000"),
        InlineData("49492A00080000000100120104000100000006000000"), InlineData("49492A0008000000FFFF0000")]
    public void BrokenExifIsNoOrientation(string exif)
    {
        using var image = Decode(TestImages.WithChunk(TestImages.Png(Width, Height), "eXIf"u8, Convert.FromHexString(exif)));
        Assert.Equal((Width, Height), (image.Width, image.Height));
    }

    public static TheoryData<string> All => ["png", "bmp", "webp", "gif", "jpeg", "lossy"];

    [Theory, MemberData(nameof(All))]
    public void EveryProperBeginningOfAFileIsAnErrorThatNamesIt(string format)
    {
        var bytes = Bytes(format);
        // Whoever has all pixels may do without what ends the file; a JPEG is whole with its last marker only.
        var end = format switch { "png" => 24, "gif" => 3, "jpeg" => 0, _ => 12 };
        for (var length = 0; length < bytes.Length - end; length += Math.Max(1, bytes.Length / 200))
        {
            var error = Assert.Throws<CriaException>(() => Decode(bytes.AsSpan(0, length)));
            Assert.StartsWith("photo.xyz: ", error.Message);
        }
    }

    [Theory, InlineData(60_000, 60_000), InlineData(10_001, 10_000), InlineData(65_536, 1), InlineData(1, 65_536)]
    public void TooManyPixelsAreRefusedFromTheHead(int width, int height)
    {
        var png = TestImages.Png(1, 1);
        Span<byte> head = [.. png.AsSpan(16, 13)];
        BinaryPrimitives.WriteInt32BigEndian(head, width);
        BinaryPrimitives.WriteInt32BigEndian(head[4..], height);
        byte[] lying = [.. png.AsSpan(0, 8), .. TestImages.Chunk("IHDR"u8, head), .. png.AsSpan(33)];
        var error = Assert.Throws<CriaException>(() => Decode(lying));
        Assert.Contains($"{width} x {height} pixels", error.Message);
    }

    [Fact]
    public void ManyScansOfAJpegAreRefusedForLargePicturesOnly()
    {
        byte[] scans = [0xFF, 0xD8, .. Enumerable.Repeat<byte[]>([0xFF, 0xDA, 0, 2, 1, 0xFF, 0, 0xFF, 0xD3, 7], 30).SelectMany(s => s), 0xFF, 0xFF, 0xD9];
        JpegScans.Check(scans, 1_000_000, "photo.jpg");
        Assert.Contains("20 scans", Assert.Throws<CriaException>(() => JpegScans.Check(scans, ImageDecoder.MaxPixels, "photo.jpg")).Message);
        Assert.Contains("cut off", Assert.Throws<CriaException>(() => JpegScans.Check(scans.AsSpan(0, scans.Length - 1), 1, "photo.jpg")).Message);
    }

    [Fact]
    public void AStreamLargerThanAnyImageIsNotRead()
    {
        using var endless = new ZeroStream(long.MaxValue);
        Assert.Contains("zeros: more than 256 MiB", Assert.Throws<CriaException>(() => ImageDecoder.ReadStream(endless, "zeros")).Message);
        Assert.InRange(endless.BytesRead, 0, ImageDecoder.MaxBytes + (1 << 20));
    }

    [Theory, InlineData(""), InlineData("a\0b"), InlineData("missing.png")]
    public void AFileThatIsNotThereIsOneError(string path) =>
        Assert.EndsWith(": there is no such file", Assert.Throws<CriaException>(() => ImageDecoder.ReadFile(path)).Message);

    static byte[] Bytes(string format) => format switch
    {
        "png" => TestImages.Png(Width, Height),
        "bmp" => TestImages.Bmp(Width, Height),
        "gif" => TestImages.Gif(Width, Height),
        "jpeg" => TestImages.Jpeg(Width, Height),
        "lossy" => TestImages.Webp(Width, Height, 80),
        _ => TestImages.Webp(Width, Height, 100),
    };

    static RgbaImage Decode(ReadOnlySpan<byte> bytes) => ImageDecoder.Decode(bytes, "photo.xyz");

    static (byte Red, byte Green, byte Blue) Rgb(RgbaImage image, int x, int y) => ((byte)image.Row(y)[x], (byte)(image.Row(y)[x] >> 8), (byte)(image.Row(y)[x] >> 16));

    sealed class ZeroStream(long length) : MemoryStream
    {
        public long BytesRead { get; private set; }

        public override bool CanSeek => false;

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, length - BytesRead);
            BytesRead += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    }
}
