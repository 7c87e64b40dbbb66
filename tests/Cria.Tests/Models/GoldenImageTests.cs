using System.Security.Cryptography;
using System.Text.Json;
using Cria.Formats;
using Cria.Images;
using Cria.Models;

namespace Cria.Tests.Models;

/// <summary>The recorded images at every recorded size of tiles, and the recorded hostile ones (golden/vision/README.md).</summary>
public sealed unsafe class GoldenImageTests
{
    [Fact]
    public void TilesAreThoseOfTheReference()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("vision", "images", "images.json")));
        using var full = SafetensorsFile.Open(TestFiles.Golden("vision", "images", "tiles_t28.safetensors"));
        var lossy = full.Tensors.ToDictionary(t => t.Name, t => new ReadOnlySpan<byte>(t.Data, (int)t.ByteLength).ToArray());
        Parallel.ForEach(manifest.RootElement.GetProperty("images").EnumerateArray(), image =>
        {
            var (name, policies) = (image.GetProperty("file").GetString()!, image.GetProperty("accept").EnumerateArray().Select(p => p.GetString()!).ToList());
            using var decoded = ImageDecoder.Decode(ImageDecoder.ReadFile(TestFiles.Golden("vision", "images", name)), name);
            foreach (var size in image.GetProperty("tiles").EnumerateObject())
            {
                var tiles = new ImageTransform(int.Parse(size.Name)).Apply(decoded);
                var hash = Convert.ToHexStringLower(SHA256.HashData(tiles.Levels));
                var due = size.Value.GetProperty(image.GetProperty("expected").GetString()!);
                Assert.Equal([tiles.Rows, tiles.Columns], due.GetProperty("aspect_ratio").EnumerateArray().Select(n => n.GetInt32()));
                if (policies.Exists(p => size.Value.GetProperty(p).GetProperty("sha256").GetString() == hash))
                    continue;
                Assert.False(image.GetProperty("lossless").GetBoolean(), $"{name} at {size.Name} differs");
                if (size.Name == "28")
                    AssertNear(tiles.Levels, lossy[$"{name}/{image.GetProperty("expected").GetString()}"], name);
            }
        });
    }

    /// <summary>Decoders of lossy formats may differ a little.</summary>
    static void AssertNear(ReadOnlySpan<byte> levels, ReadOnlySpan<byte> expected, string name)
    {
        Assert.Equal(expected.Length, levels.Length);
        var differences = new int[levels.Length];
        for (var i = 0; i < levels.Length; i++)
            differences[i] = Math.Abs(levels[i] - expected[i]);
        Array.Sort(differences);
        Assert.True(differences.Average() <= 2 && differences[differences.Length * 99 / 100] <= 8, name);
    }

    [Fact]
    public void HostileFilesAreErrorsOrImages()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("vision", "hostile", "hostile.json")));
        var transform = new ImageTransform(28);
        foreach (var file in manifest.RootElement.GetProperty("cases").EnumerateArray())
        {
            var (name, due) = (file.GetProperty("file").GetString()!, file.GetProperty("expect").GetString());
            var error = Record.Exception(() => transform.Apply(TestFiles.Golden("vision", "hostile", name)));
            Assert.True(error is null or CriaException && (due == "may_succeed" || due == "error" == error is not null), $"{name}: {error?.Message ?? "no error"}");
            Assert.True(error is null || error.Message.Contains(name), error?.Message);
        }
    }
}
