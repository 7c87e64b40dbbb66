using Cria.Images;
using Cria.Kernels;
using CsCheck;

namespace Cria.Tests.Images;

public sealed unsafe class ResamplerTests
{
    static readonly Gen<(int Width, int Height, int NewWidth, int NewHeight, int Seed)> Sizes =
        Gen.Select(Gen.Int[1, 90], Gen.Int[1, 90], Gen.Int[1, 90], Gen.Int[1, 90], Gen.Int);

    /// <summary>The algorithm as Pillow's source states it, one sum at a time in 64 bits.</summary>
    [Fact]
    public void BytesAreThoseOfPillowsIntegers() => Sizes.Sample(s =>
    {
        using var source = Random(s.Width, s.Height, s.Seed);
        using var workers = new WorkerPool(1);
        using var result = Resampler.Resize(source, s.NewWidth, s.NewHeight, workers);
        var expected = Transposed(Rows(Transposed(Rows(Bytes(source), s.Width, s.NewWidth), s.NewWidth), s.Height, s.NewHeight), s.NewHeight);
        Assert.Equal(expected, Bytes(result));
    }, iter: 400);

    /// <summary>Each pass rounds once: at most half a level each from the convolution in double precision.</summary>
    [Fact]
    public void LevelsAreWithinOneOfTheConvolution() => Sizes.Sample(s =>
    {
        using var source = Random(s.Width, s.Height, s.Seed);
        using var workers = new WorkerPool(1);
        using var result = Resampler.Resize(source, s.NewWidth, s.NewHeight, workers);
        var (columns, rows) = (Weights(s.Width, s.NewWidth), Weights(s.Height, s.NewHeight));
        for (var y = 0; y < s.NewHeight; y += 7)
            for (var x = 0; x < s.NewWidth; x += 5)
            {
                var sum = 0.0;
                for (var v = 0; v < s.Height; v++)
                    for (var u = 0; u < s.Width; u++)
                        sum += rows[y][v] * columns[x][u] * (byte)source.Row(v)[u];
                Assert.Equal(sum, (byte)result.Row(y)[x], 1.01);
            }
    }, iter: 200);

    [Fact]
    public void ThreadsDoNotChangeAByte()
    {
        using var source = Random(333, 257, 1);
        byte[][] results = [.. ((int[])[1, 2, 5]).Select(threads =>
        {
            using var workers = new WorkerPool(threads);
            using var result = Resampler.Resize(source, 101, 94, workers);
            return Bytes(result);
        })];
        Assert.All(results, r => Assert.Equal(results[0], r));
    }

    [Theory, InlineData(0u), InlineData(0xFFFFFFFFu), InlineData(0x80FE01C3u)]
    public void OneColourStaysThatColour(uint color)
    {
        using var source = new RgbaImage(1000, 37);
        new Span<uint>(source.Pixels, 37_000).Fill(color);
        using var workers = new WorkerPool(1);
        using var result = Resampler.Resize(source, 3, 80, workers);
        Assert.All(new Span<uint>(result.Pixels, 240).ToArray(), pixel => Assert.Equal(color, pixel));
    }

    /// <summary>Rows of RGBA pixels in a new length.</summary>
    static byte[] Rows(byte[] source, int from, int to)
    {
        if (from == to)
            return source;
        var result = new byte[source.Length / from * to];
        var (scale, size) = ((double)from / to, Math.Max(1.0, (double)from / to));
        for (var x = 0; x < to; x++)
        {
            var center = (x + 0.5) * scale;
            var (low, high) = (Math.Max(0, (int)(center - size + 0.5)), Math.Min(from, (int)(center + size + 0.5)));
            double[] weights = [.. Enumerable.Range(low, high - low).Select(i => Math.Max(0, 1 - Math.Abs((i - center + 0.5) * (1 / size))))];
            int[] integers = [.. weights.Select(w => (int)(w / weights.Sum() * (1 << 22) + 0.5))];
            for (var row = 0; row < source.Length / 4 / from; row++)
                for (var channel = 0; channel < 4; channel++)
                {
                    var sum = 1L << 21;
                    for (var i = low; i < high; i++)
                        sum += (long)source[(row * from + i) * 4 + channel] * integers[i - low];
                    result[(row * to + x) * 4 + channel] = (byte)Math.Clamp(sum >> 22, 0, 255);
                }
        }
        return result;
    }

    static byte[] Transposed(byte[] pixels, int width)
    {
        var height = pixels.Length / 4 / width;
        return [.. Enumerable.Range(0, pixels.Length).Select(i => pixels[((i / 4 % height) * width + i / 4 / height) * 4 + i % 4])];
    }

    static RgbaImage Random(int width, int height, int seed)
    {
        var image = new RgbaImage(width, height);
        new Random(seed).NextBytes(new Span<byte>(image.Pixels, width * height * 4));
        return image;
    }

    static byte[] Bytes(RgbaImage image) => new Span<byte>(image.Pixels, image.Width * image.Height * 4).ToArray();

    static double[][] Weights(int from, int to) => [.. Enumerable.Range(0, to).Select(x =>
    {
        var (scale, width) = ((double)from / to, Math.Max(1, (double)from / to));
        double[] weights = [.. Enumerable.Range(0, from).Select(u => Math.Max(0, 1 - Math.Abs(u + 0.5 - (x + 0.5) * scale) / width))];
        return from == to ? [.. weights.Select((_, u) => u == x ? 1.0 : 0)] : weights.Select(w => w / weights.Sum()).ToArray();
    })];
}
