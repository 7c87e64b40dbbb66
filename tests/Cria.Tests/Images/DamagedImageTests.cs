using System.Diagnostics;
using System.Text;
using Cria.Models;

namespace Cria.Tests.Images;

/// <summary>Damaged images: each gives tiles or is one <see cref="CriaException"/> of one line that begins with the image's name.</summary>
public sealed class DamagedImageTests
{
    static readonly ImageTransform Transform = new(28);

    public static TheoryData<string> Formats => ["png", "png chunks", "jpeg", "webp", "webp lossy", "gif", "bmp"];

    [Theory, MemberData(nameof(Formats))]
    public void AFewDamages(string format) => Try(format, 0, 400);

    [Theory, MemberData(nameof(Formats)), Trait("Category", "Long")]
    public void ManyDamages(string format) => Try(format, 1_000_000, 4_000);

    static void Try(string format, int seed, int cases)
    {
        var sound = Sound(format);
        Assert.Equal(4, Transform.Apply(sound, "image").Count);
        var refused = 0;
        Parallel.For(seed, seed + cases, new() { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var mutator = new Mutator(i);
            byte[] damaged = format == "png chunks" ? Chunks(sound, mutator)
                : mutator.Next(2) == 0 ? mutator.Bytes(sound) : [.. mutator.Bytes(sound[..60]), .. sound[60..]];
            var watch = Stopwatch.StartNew();
            try
            {
                var tiles = Transform.Apply(damaged, "image");
                Assert.Equal(tiles.Count * 3 * 28 * 28, tiles.Levels.Length);
                Assert.InRange(tiles.Count, 1, 4);
            }
            catch (CriaException e)
            {
                Interlocked.Increment(ref refused);
                Assert.True(e.Message.StartsWith("image: ", StringComparison.Ordinal) && !e.Message.AsSpan().ContainsAny("\r\n\f\u0085\u2028\u2029"), $"case {i}: {e.Message}");
            }
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"case {i}: {watch.Elapsed}");
        });
        Assert.InRange(refused, cases / 10, cases);
    }

    static byte[] Sound(string format) => format switch
    {
        "jpeg" => TestImages.Jpeg(61, 47),
        "webp" => TestImages.WithExif(TestImages.Webp(61, 47, 100), 61, 47, TestImages.Exif(6, isLittle: true)),
        "webp lossy" => TestImages.Webp(61, 47, 70),
        "gif" => TestImages.Gif(61, 47, transparent: 5),
        "bmp" => TestImages.Bmp(61, 47),
        _ => TestImages.WithChunk(TestImages.Png(61, 47), "eXIf"u8, TestImages.Exif(6, isLittle: true)),
    };

    /// <summary>A PNG whose chunks are damaged and have right checksums all the same, so that what they say is read.</summary>
    static byte[] Chunks(byte[] png, Mutator mutator)
    {
        var chunks = new List<(byte[] Type, byte[] Data)>();
        for (var at = 8; at < png.Length;)
        {
            var length = png[at] << 24 | png[at + 1] << 16 | png[at + 2] << 8 | png[at + 3];
            chunks.Add((png[(at + 4)..(at + 8)], png[(at + 8)..(at + 8 + length)]));
            at += length + 12;
        }
        var chosen = mutator.Next(chunks.Count);
        switch (mutator.Next(4))
        {
            case 0:
                chunks.RemoveAt(chosen);
                break;
            case 1:
                chunks.Insert(mutator.Next(chunks.Count), chunks[chosen]);
                break;
            case 2:
                chunks.Insert(chosen, (Encoding.ASCII.GetBytes(new[] { "PLTE", "tRNS", "gAMA", "iCCP", "acTL", "fcTL", "eXIf" }[mutator.Next(7)]), mutator.Bytes(new byte[mutator.Next(800)])));
                break;
            default:
                chunks[chosen] = (chunks[chosen].Type, mutator.Bytes(chunks[chosen].Data));
                break;
        }
        return [.. png[..8], .. chunks.SelectMany(c => TestImages.Chunk(c.Type, c.Data))];
    }
}
