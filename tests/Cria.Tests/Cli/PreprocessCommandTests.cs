using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Models;
using Cria.Tests.Images;

namespace Cria.Tests.Cli;

[Collection(CommandLine.Name)]
public sealed class PreprocessCommandTests
{
    [Fact]
    public unsafe void SlotsWithoutATileAreZeroAndTheOthersAreNormalised()
    {
        using var folder = new TestModel();
        File.WriteAllText(folder.File("config.json"), """{"model_type": "mllama", "text_config": {}, "vision_config": {"image_size": 14, "max_num_tiles": 5}}""");
        File.WriteAllBytes(folder.File("photo.png"), TestImages.Png(40, 14));
        var (exit, _, error) = CommandLine.Run("preprocess", "--model", folder.Path, "--image", folder.File("photo.png"), "--out", folder.File("out.safetensors"));
        Assert.True(exit == 0, error);

        using var output = SafetensorsFile.Open(folder.File("out.safetensors"));
        var tensors = output.Tensors.ToDictionary(t => t.Name, t => (t.Shape, Bytes: new ReadOnlySpan<byte>(t.Data, (int)t.ByteLength).ToArray()));
        Assert.Equal([5, 3, 14, 14], tensors["pixel_values"].Shape);
        Assert.Equal([1L, 3L], MemoryMarshal.Cast<byte, long>(tensors["aspect_ratio"].Bytes.AsSpan()).ToArray());
        Assert.Equal([3L], MemoryMarshal.Cast<byte, long>(tensors["num_tiles"].Bytes.AsSpan()).ToArray());
        var expected = new float[5 * 3 * 14 * 14];
        var tiles = new ImageTransform(14, 5).Apply(folder.File("photo.png"));
        for (var tile = 0; tile < 3; tile++)
            tiles.Normalize(tile, expected.AsSpan(tile * 3 * 14 * 14));
        Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(tensors["pixel_values"].Bytes.AsSpan()).ToArray());
    }

    /// <summary>Every format of models says how large its tiles are.</summary>
    [Theory, InlineData("a-hf-f32", 56), InlineData("b-meta-bf16-2shards", 28), InlineData("a-gguf", 56), InlineData("p-gguf-pair", 28), InlineData("e-hf-bf16-t448", 448)]
    public void TheModelSaysHowLargeTilesAre(string model, int size)
    {
        var transform = ImageTransform.For(TestFiles.Golden("vision", "models", model));
        Assert.Equal((size, 4), (transform.TileSize, transform.MaxTiles));
    }

    const string Vision = """{"model_type": "mllama", "text_config": {}, "vision_config": {}}""";

    [Theory]
    [InlineData("""{"model_type": "mllama", "text_config": {}, "vision_config": {"image_size": 0}}""", "photo.png", "vision_config.image_size")]
    [InlineData(Vision, "none.png", "none.png: there is no such file"), InlineData(Vision, "config.json", "config.json: no PNG")]
    public void BadDataIsOneLineThatNamesItAndLeavesNoFile(string configuration, string image, string problem)
    {
        using var folder = new TestModel();
        File.WriteAllText(folder.File("config.json"), configuration);
        File.WriteAllBytes(folder.File("photo.png"), TestImages.Png(4, 4));
        var (exit, _, error) = CommandLine.Run("preprocess", "--model", folder.Path, "--image", folder.File(image), "--out", folder.File("out.safetensors"));
        Assert.Equal(1, exit);
        Assert.Contains(problem, Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }

    [Fact]
    public void ATextModelTakesNoImages() =>
        Assert.Contains("takes no images", CommandLine.Run("preprocess", "--model", "pocket", "--image", "photo.png", "--out", "out.safetensors").Error);
}
