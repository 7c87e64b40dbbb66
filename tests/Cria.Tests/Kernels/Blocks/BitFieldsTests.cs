using Cria.Kernels.Blocks;
using CsCheck;

namespace Cria.Tests.Kernels.Blocks;

public sealed unsafe class BitFieldsTests
{
    [Fact]
    public void LowFieldsOfARunComeFirst()
    {
        var codes = stackalloc byte[8];
        byte[] packed = [0x21, 0x43, 0x65, 0x87];
        fixed (byte* plane = packed)
            BitFields.Unpack(plane, 2, 4, codes, 8);
        Assert.Equal([1, 3, 2, 4, 5, 7, 6, 8], new ReadOnlySpan<byte>(codes, 8).ToArray());
    }

    [Fact]
    public void PackAndUnpackAreInverse() => Gen.Select(Gen.Int[0, 5], Gen.Int[0, 2], Gen.Byte.Array[256]).Sample((logWidth, logBits, codes) =>
    {
        var (width, bits) = (1 << logWidth, 1 << logBits);
        var (packed, back) = (new byte[256], new byte[256]);
        fixed (byte* source = codes, plane = packed, target = back)
        {
            for (var at = 0; at < 8; at += bits)
            {
                BitFields.Pack(source, 256, plane, width, bits, at);
                BitFields.Unpack(plane, width, bits, target, 256, at);
            }
        }
        Assert.Equal(codes, back);
    }, iter: 100);

    [Fact]
    public void SixBitPairsComeBack() => Gen.Byte[0, 63].Array[16].Sample(pairs =>
    {
        var (packed, back) = (new byte[12], new byte[16]);
        fixed (byte* source = pairs, middle = packed, target = back)
        {
            SixBitPairs.Pack(source, source + 8, middle);
            SixBitPairs.Unpack(middle, target, target + 8);
        }
        Assert.Equal(pairs, back);
    }, iter: 100);
}
