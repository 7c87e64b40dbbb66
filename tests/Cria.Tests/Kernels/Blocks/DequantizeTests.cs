using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Tests.Kernels.Blocks;

public sealed unsafe class DequantizeTests
{
    public static TheoryData<ElementType> Types => [.. BlockFormats.Types.Where(t => t != ElementType.F32)];

    [Theory, MemberData(nameof(Types))]
    public void GoldenBlocksHaveGgmlsValues(ElementType type)
    {
        using var file = SafetensorsFile.Open(TestFiles.Golden("quant", "blocks", type.Name().ToLowerInvariant() + ".safetensors"));
        var (blocks, values) = (file.Find("blocks")!, file.Find("values")!);
        var expected = new float[values.Count];
        values.CopyTo(expected);
        var actual = new float[values.Count];
        BlockFormats.Dequantize(type, new ReadOnlySpan<byte>(blocks.Data, (int)blocks.ByteLength), actual);
        Assert.Equal(MemoryMarshal.AsBytes<float>(expected), MemoryMarshal.AsBytes<float>(actual)); // no fused multiply-add: bit for bit
    }

    /// <summary>A block by hand of each type: the places and weights of its first and last code, scale and minimum.</summary>
    [Theory]
    [InlineData(ElementType.F16, "003c", 0, 1)]
    [InlineData(ElementType.BF16, "803f", 0, 1)]
    [InlineData(ElementType.Q4_0, "003c 0 f3", 31, 7), InlineData(ElementType.Q4_0, "003c 0 f3", 15, -5)]
    [InlineData(ElementType.Q4_1, "003c 0038 0 f3", 31, 15.5), InlineData(ElementType.Q4_1, "003c 0038 0 f3", 15, 3.5)]
    [InlineData(ElementType.Q5_0, "003c 00000080 0 f3", 31, 15), InlineData(ElementType.Q5_0, "003c 00800000 0 f3", 15, 3)]
    [InlineData(ElementType.Q5_1, "003c 0038 00000080 0 f3", 31, 31.5), InlineData(ElementType.Q5_1, "003c 0038 00800000 0 f3", 15, 19.5)]
    [InlineData(ElementType.Q8_0, "003c 0 80", 31, -128)]
    [InlineData(ElementType.Q2_K, "00000000 00000000 00000000 00000031 0 c0 003c 0038", 255, 1.5)]
    [InlineData(ElementType.Q4_K, "003c 0038 000000c0 00000040 00000032 0 f0", 255, 750 - 9.5)]
    [InlineData(ElementType.IQ4_NL, "003c 0 f0", 31, 113), InlineData(ElementType.IQ4_NL, "003c 0 f0", 15, -127)]
    public void ABlockByHandHasItsValue(ElementType type, string hex, int index, double value)
    {
        var block = new byte[type.BlockBytes()];
        var parts = hex.Split(' ');
        var gap = Array.IndexOf(parts, "0"); // zeros up to the size of the block
        var head = Convert.FromHexString(string.Concat(gap < 0 ? parts : parts[..gap]));
        var tail = gap < 0 ? [] : Convert.FromHexString(string.Concat(parts[(gap + 1)..]));
        head.CopyTo(block, 0);
        tail.CopyTo(block, block.Length - tail.Length);
        var values = new float[type.BlockLength()];
        BlockFormats.Dequantize(type, block, values);
        Assert.Equal(value, values[index]);
    }

    [Fact]
    public void LengthsThatDoNotFitAreRefused()
    {
        Assert.Throws<ArgumentException>(() => BlockFormats.Dequantize(ElementType.Q4_0, new byte[18], new float[31]));
        Assert.Throws<ArgumentException>(() => BlockFormats.Dequantize(ElementType.Q4_0, new byte[17], new float[32]));
        Assert.Throws<ArgumentException>(() => BlockFormats.Dequantize(ElementType.I32, new byte[4], new float[1]));
    }
}
