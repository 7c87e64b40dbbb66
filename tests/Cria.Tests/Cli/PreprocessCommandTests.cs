using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Models;
using Cria.Tests.Images;

namespace Cria.Tests.Cli;

[Collection(CommandLine.Name)]
public sealed class PreprocessCommandTests
{
    [Theory]
    [InlineData("config.json", """{"vision_config": {"image_size": 14, "max_num_tiles": 5}}""")]
    [InlineData("params.json", """{"vision_chunk_size": 14, "vision_max_num_chunks": 5}""")]
    public unsafe void SlotsWithoutATileAreZeroAndTheOthersAreNormalised(string file, string configuration)
    {
        using var folder = new TestModel();
        File.WriteAllText(folder.File(file), configuration);
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

    [Theory]
    [InlineData("{}", "photo.png", "vision_config"), InlineData("""{"vision_config": {"image_size": 0}}""", "photo.png", "vision_config.image_size")]
    [InlineData("""{"vision_config": {}}""", "none.png", "none.png: there is no such file"), InlineData("""{"vision_config": {}}""", "config.json", "config.json: no PNG")]
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
}
