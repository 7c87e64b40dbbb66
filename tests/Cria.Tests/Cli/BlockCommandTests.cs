using System.Runtime.InteropServices;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Tests.Cli;

/// <summary>quantize-rows and dequantize.</summary>
[Collection(CommandLine.Name)]
public sealed class BlockCommandTests : IDisposable
{
    readonly TestModel _folder = new();

    public void Dispose() => _folder.Dispose();

    string Write(string name, params float[] values)
    {
        File.WriteAllBytes(_folder.File(name), MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        return _folder.File(name);
    }

    [Fact]
    public void RowsBecomeTheBlocksOfTheEngineAndBlocksItsValues()
    {
        const int Rows = 1100, Columns = 256; // more than one part of the stream
        var random = new Random(3);
        float[] values = [.. Enumerable.Range(0, Rows * Columns).Select(_ => random.NextSingle() - 0.5f)];
        float[] importance = [.. Enumerable.Range(0, Columns).Select(i => i * 0.01f)];
        var (blocks, back) = (_folder.File("blocks"), _folder.File("back"));
        Assert.Equal((0, "", ""), CommandLine.Run("quantize-rows", "--type", "iq4_nl", "--cols", "256", "--in", Write("values", values),
            "--imatrix", Write("importance", importance), "--out", blocks));
        var expected = new byte[ElementType.IQ4_NL.Bytes(values.Length)];
        for (var row = 0; row < Rows; row++)
            BlockFormats.Quantize(ElementType.IQ4_NL, values.AsSpan(row * Columns, Columns), importance, expected.AsSpan(row * 144, 144));
        Assert.Equal(expected, File.ReadAllBytes(blocks));

        Assert.Equal((0, "", ""), CommandLine.Run("dequantize", "--type", "iq4_nl", "--in", blocks, "--out", back));
        BlockFormats.Dequantize(ElementType.IQ4_NL, expected, values);
        Assert.Equal(values, MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(back)).ToArray());
    }

    [Fact]
    public void AnEmptyFileGivesAnEmptyFile()
    {
        Assert.Equal(0, CommandLine.Run("quantize-rows", "--type", "q4_k", "--cols", "256", "--in", Write("values"), "--out", _folder.File("out")).Exit);
        Assert.Empty(File.ReadAllBytes(_folder.File("out")));
    }

    [Theory]
    [InlineData(2, "q9_9", "dequantize", "--type", "q9_9", "--in", "values", "--out", "out")]
    [InlineData(2, "--out", "dequantize", "--type", "q8_0", "--in", "values")]
    [InlineData(2, "--cols", "quantize-rows", "--type", "q8_0", "--cols", "0", "--in", "values", "--out", "out")]
    [InlineData(1, "not whole blocks", "dequantize", "--type", "q8_0", "--in", "values", "--out", "out")]
    [InlineData(1, "absent", "dequantize", "--type", "q8_0", "--in", "absent", "--out", "out")]
    [InlineData(1, "not whole blocks", "quantize-rows", "--type", "q4_k", "--cols", "32", "--in", "values", "--out", "out")]
    [InlineData(1, "not whole rows", "quantize-rows", "--type", "q8_0", "--cols", "96", "--in", "values", "--out", "out")]
    [InlineData(1, "row 1: column 5", "quantize-rows", "--type", "q8_0", "--cols", "32", "--in", "values", "--out", "out")]
    [InlineData(1, "importance", "quantize-rows", "--type", "q8_0", "--cols", "32", "--in", "values", "--imatrix", "importance", "--out", "out")]
    [InlineData(1, "values", "quantize-rows", "--type", "q8_0", "--cols", "32", "--in", "values", "--imatrix", "values", "--out", "out")]
    public void WrongDataIsOneLineAndLeavesTheOldFile(int exit, string mention, params string[] arguments)
    {
        var values = new float[64];
        values[37] = float.NaN;
        Write("values", values);
        Write("importance", [.. Enumerable.Repeat(-1f, 32)]);
        Write("out", 1);
        var (code, output, error) = CommandLine.Run([.. arguments.Select(a => a is "values" or "out" or "importance" or "absent" ? _folder.File(a) : a)]);
        Assert.Equal((exit, ""), (code, output));
        Assert.Contains(mention, Assert.Single(error.TrimEnd('\n').Split('\n')));
        Assert.Equal(["importance", "out", "values"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order());
        Assert.Equal(sizeof(float), new FileInfo(_folder.File("out")).Length);
    }
}
