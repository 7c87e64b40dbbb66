using Cria.Models;
using Cria.Tests.Images;

namespace Cria.Tests.Models;

public sealed class ImageTransformTests
{
    /// <summary>Rows, columns, and the size within the canvas, of tiles of 560 pixels; the last two of other sizes of tiles, where exact fractions would give 504 and 63.</summary>
    [Theory]
    [InlineData(1, 1, 1, 1, 560, 560), InlineData(560, 560, 1, 1, 560, 560), InlineData(561, 561, 2, 2, 561, 561), InlineData(640, 480, 1, 2, 640, 480)]
    [InlineData(480, 640, 2, 1, 480, 640), InlineData(600, 300, 1, 2, 600, 300), InlineData(1024, 768, 2, 2, 1024, 768), InlineData(1280, 720, 2, 2, 1120, 630)]
    [InlineData(1920, 1080, 2, 2, 1120, 630), InlineData(2000, 4000, 2, 1, 560, 1120), InlineData(2001, 4000, 2, 2, 560, 1120), InlineData(1600, 560, 1, 3, 1600, 560)]
    [InlineData(2241, 560, 1, 4, 2240, 559), InlineData(5000, 300, 1, 4, 2240, 134), InlineData(10, 4000, 4, 1, 5, 2240), InlineData(1700, 2200, 2, 2, 865, 1120)]
    [InlineData(272, 85, 1, 1, 560, 174), InlineData(1280, 720, 2, 2, 896, 503, 448), InlineData(45, 400, 4, 1, 62, 560, 560)]
    public void CanvasAndSizeAreThoseOfTheReference(int width, int height, int rows, int columns, int newWidth, int newHeight, int tile = 560)
    {
        var transform = new ImageTransform(tile);
        if ((width, height) != (45, 400))
            Assert.Equal((rows, columns), transform.ChooseCanvas(width, height));
        Assert.Equal((newWidth, newHeight), transform.ResizedSize(width, height, rows, columns));
    }

    /// <summary>The rule as it is stated, with scales in double precision; sizes at which they tie are rare enough to miss.</summary>
    [Theory, InlineData(4), InlineData(9)]
    public void TheCanvasIsTheOneWithTheLeastEnlargementOrTheLeastReduction(int maxTiles)
    {
        var transform = new ImageTransform(97, maxTiles);
        var random = new Random(3);
        for (var i = 0; i < 2000; i++)
        {
            var (width, height) = (random.Next(1, 1200), random.Next(1, 1200));
            var all = (from rows in Enumerable.Range(1, maxTiles)
                       from columns in Enumerable.Range(1, maxTiles / rows)
                       let scale = Math.Min(columns * 97.0 / width, rows * 97.0 / height)
                       orderby rows * columns
                       select (rows, columns, scale)).ToList();
            var expected = all.Exists(c => c.scale >= 1) ? all.Where(c => c.scale >= 1).MinBy(c => c.scale) : all.MaxBy(c => c.scale);
            Assert.Equal((expected.rows, expected.columns), transform.ChooseCanvas(width, height));
        }
    }

    [Fact]
    public void ASideIsNeverLessThanOnePixel() => Assert.Equal((1, 112), new ImageTransform(28).ResizedSize(10, 4000, 4, 1));

    /// <summary>A picture of the canvas's size is cut, row after row of tiles.</summary>
    [Fact]
    public void TilesAreTheCanvasCutAndUncoveredPartsAreBlack()
    {
        var tiles = new ImageTransform(20).Apply(TestImages.Png(50, 20), "image");
        Assert.Equal((1, 3, 3, 20), (tiles.Rows, tiles.Columns, tiles.Count, tiles.TileSize));
        for (var tile = 0; tile < 3; tile++)
            for (var y = 0; y < 20; y++)
                for (var x = 0; x < 20; x++)
                {
                    var (red, green, blue) = tile * 20 + x < 50 ? TestImages.Color(tile * 20 + x, y) : default;
                    Assert.Equal((red, green, blue), (Level(0), Level(1), Level(2)));
                    byte Level(int channel) => tiles.Levels[((tile * 3 + channel) * 20 + y) * 20 + x];
                }
    }

    [Fact]
    public void ValuesAreNormalisedAsClipsAre()
    {
        var tiles = new ImageTransform(30).Apply(TestImages.Png(30, 20), "image");
        var values = new float[3 * 30 * 30];
        tiles.Normalize(0, values);
        Assert.Equal([-1.79226f, -1.75210f, -1.48022f], [values[899], values[1799], values[2699]], (a, b) => Math.Abs(a - b) < 2e-5);
        for (var i = 0; i < values.Length; i++)
        {
            var (mean, deviation) = (i / 900) switch { 0 => (0.48145466, 0.26862954), 1 => (0.4578275, 0.26130258), _ => (0.40821073, 0.27577711) };
            Assert.Equal((tiles.Levels[i] / 255.0 - mean) / deviation, values[i], 1e-6);
        }
    }

    [Fact]
    public void TheSamePixelsHaveTheSameHashInEveryLosslessFormat()
    {
        var transform = new ImageTransform(28);
        var png = transform.Apply(TestImages.Png(40, 30), "image");
        Assert.Equal(png.Hash, transform.Apply(TestImages.Bmp(40, 30), "image").Hash);
        Assert.Equal(png.Hash, transform.Apply(new MemoryStream(TestImages.Webp(40, 30, 100)), "image").Hash);
        Assert.NotEqual(png.Hash, transform.Apply(TestImages.Jpeg(40, 30), "image").Hash);
        Assert.NotEqual(png.Hash, new ImageTransform(29).Apply(TestImages.Png(40, 30), "image").Hash);
    }

    [Fact]
    public void ShapeIsPartOfTheHash()
    {
        // Black pictures of four tiles in a row and in a square have the same levels.
        var transform = new ImageTransform(4);
        var (row, square) = (transform.Apply(Black(16, 4), "image"), transform.Apply(Black(8, 8), "image"));
        Assert.Equal(row.Levels, square.Levels);
        Assert.NotEqual(row.Hash, square.Hash);

        static byte[] Black(int width, int height)
        {
            var bmp = TestImages.Bmp(width, height);
            bmp.AsSpan(54).Clear();
            return bmp;
        }
    }
}
