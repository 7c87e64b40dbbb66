using Cria.Formats;
using Cria.Tensors;
using Cria.Tests.Formats;

namespace Cria.Tests.Tensors;

public sealed class TensorTests
{
    [Theory]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    public void EveryHalfWidthValueIsWidenedExactly(ElementType type)
    {
        using var folder = new TestModel();
        var bytes = new byte[2 << 16];
        for (var i = 0; i < 1 << 16; i++)
            (bytes[2 * i], bytes[2 * i + 1]) = ((byte)i, (byte)(i >> 8));
        // The odd length of the header puts the values on odd addresses, as files may.
        var header = $$$"""{"a":{"dtype":"{{{type}}}","shape":[256,256],"data_offsets":[0,131072]}}""";
        File.WriteAllBytes(folder.File("a"), SafetensorsTests.Raw(header.PadRight(header.Length | 1), bytes));
        using var file = SafetensorsFile.Open(folder.File("a"));
        var values = new float[1 << 16];
        file.Find("a")!.CopyTo(values);
        for (var i = 0; i < values.Length; i++)
        {
            var sign = i >> 15 == 0 ? 1.0 : -1.0;
            var (exponentBits, mantissaBits, bias) = type == ElementType.F16 ? (5, 10, 15) : (8, 7, 127);
            var exponent = (i >> mantissaBits) & ((1 << exponentBits) - 1);
            var mantissa = (i & ((1 << mantissaBits) - 1)) / (double)(1 << mantissaBits);
            var expected = exponent == (1 << exponentBits) - 1 ? (mantissa == 0 ? sign * double.PositiveInfinity : double.NaN)
                : exponent == 0 ? sign * mantissa * Math.Pow(2, 1 - bias)
                : sign * (1 + mantissa) * Math.Pow(2, exponent - bias);
            Assert.Equal(expected, (double)values[i]);
        }
    }

    [Fact]
    public void OtherTypesAndWrongLengthsAreRefused()
    {
        using var folder = new TestModel();
        SafetensorsWriter.Write(folder.File("a"), [("i", ElementType.I64, [2], new byte[16]), ("f", ElementType.F32, [2], new byte[8])]);
        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Throws<NotSupportedException>(() => file.Find("i")!.CopyTo(new float[2]));
        Assert.Throws<ArgumentException>(() => file.Find("f")!.CopyTo(new float[3]));
    }
}
