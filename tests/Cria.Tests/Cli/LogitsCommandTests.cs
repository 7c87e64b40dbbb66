using Cria.Cli;
using Cria.Formats;
using Cria.Models;
using Cria.Tests.Models;

namespace Cria.Tests.Cli;

public sealed class LogitsCommandTests
{
    [Fact]
    public async Task PositionsComeInTheOrderAskedForAndNegativeOnesCountFromTheEnd()
    {
        using var files = TestModels.Write();
        int[] ids = [.. Enumerable.Range(0, 600).Select(i => i * 7 % 96)];
        File.WriteAllText(files.File("ids"), string.Join(',', ids));
        var output = files.File("out.safetensors");
        Assert.Equal(0, await Program.RunAsync(["logits", "--model", files.Path, "--tokens-file", files.File("ids"), "--positions", "5,-1,0,5", "--dtype", "f32", "--out", output]));

        var expected = new float[600 * 96];
        using (var model = TextModel.Load(files.Path, new ModelOptions { Compute = ComputeType.F32 }))
        using (var sequence = model.CreateSequence())
            model.Step([.. ids.Select((t, i) => new Row(sequence, i, t, true))], expected);
        var (shape, logits) = ReadLogits(output);
        Assert.Equal([4, 96], shape);
        Assert.Equal(new[] { 5, 599, 0, 5 }.SelectMany(p => expected[(p * 96)..((p + 1) * 96)]), logits);
    }

    [Fact]
    public async Task ATextGetsOneBos()
    {
        using var files = TestModels.Write(new TestShape { WithTokenizer = true });
        Assert.Equal(0, await Program.RunAsync(["logits", "--model", files.Path, "--text", "hello", "--out", files.File("text")]));
        Assert.Equal(0, await Program.RunAsync(["logits", "--model", files.Path, "--tokens", "266,263", "--out", files.File("ids")]));
        var (shape, logits) = ReadLogits(files.File("text"));
        Assert.Equal([2, TestModels.TokenizerSize], shape);
        Assert.Equal(ReadLogits(files.File("ids")).Logits, logits);
    }

    /// <summary>A text without a marker has its images first, behind BOS; with markers they are there. Ids hold the images' tokens themselves.</summary>
    [Theory]
    [InlineData("hello", "266,522,522,263"), InlineData("<|image|>he<|image|>llo", "266,522,256,522,261,78")]
    public async Task ImagesStandWhereTheTextSaysOrBeforeIt(string text, string ids)
    {
        using var files = TestModels.Write(new TestShape { WithTokenizer = true, CrossLayers = [0], Tied = false });
        File.WriteAllBytes(files.File("a.png"), VisionModelTests.Png(12, 12, 1));
        File.WriteAllBytes(files.File("b.png"), VisionModelTests.Png(20, 12, 2));
        string[] images = ["--image", files.File("a.png"), "--image", files.File("b.png")];
        Assert.Equal(0, await Program.RunAsync(["logits", "--model", files.Path, "--text", text, .. images, "--out", files.File("text")]));
        Assert.Equal(0, await Program.RunAsync(["logits", "--model", files.Path, "--tokens", ids, .. images, "--out", files.File("ids")]));
        Assert.Equal(ReadLogits(files.File("ids")).Logits, ReadLogits(files.File("text")).Logits);
        Assert.Equal(1, await Program.RunAsync(["logits", "--model", files.Path, "--text", "<|image|>", .. images, "--out", files.File("none")]));
        Assert.False(File.Exists(files.File("none")));
    }

    [Theory]
    [InlineData("--tokens", "1,2,96"), InlineData("--tokens", ""), InlineData("--tokens", "1,x"), InlineData("--tokens", "1,2", "--positions", "2"),
        InlineData("--tokens", "1,2", "--positions", "-3"), InlineData("--tokens-file", "/nowhere"), InlineData("--text", "no tokenizer here"),
        InlineData("--tokens", "1", "--kv", "q8_0")]
    public async Task BadDataIsExitCodeOneAndLeavesNoFile(params string[] arguments)
    {
        using var files = TestModels.Write();
        var output = files.File("out.safetensors");
        Assert.Equal(1, await Program.RunAsync(["logits", "--model", files.Path, .. arguments, "--out", output]));
        Assert.Equal(2, Directory.GetFiles(files.Path).Length);
    }

    [Theory]
    [InlineData("--tokens", "1", "--text", "a"), InlineData("--tokens", "1", "--dtype", "f8"), InlineData("--tokens", "1", "--threads", "0"), InlineData("--kv", "f32")]
    public async Task WrongArgumentsAreExitCodeTwo(params string[] arguments) =>
        Assert.Equal(2, await Program.RunAsync(["logits", "--model", "/nowhere", .. arguments, "--out", "/nowhere/out"]));

    static unsafe (IReadOnlyList<long> Shape, float[] Logits) ReadLogits(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var tensor = file.Tensors.Single();
        var logits = new float[tensor.Count];
        tensor.CopyTo(logits);
        return (tensor.Shape, logits);
    }
}
