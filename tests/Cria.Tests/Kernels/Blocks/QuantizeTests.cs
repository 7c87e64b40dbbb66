using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Tensors;
using CsCheck;

namespace Cria.Tests.Kernels.Blocks;

public sealed unsafe class QuantizeTests
{
    static readonly ElementType[] FixedTypes =
        [ElementType.F16, ElementType.BF16, ElementType.Q4_0, ElementType.Q4_1, ElementType.Q5_0, ElementType.Q5_1, ElementType.Q8_0];

    public static TheoryData<ElementType> Types => [.. BlockFormats.Types];

    public static TheoryData<ElementType> Fixed => [.. FixedTypes];

    public static TheoryData<ElementType> Searched => [.. BlockFormats.Types.Except([ElementType.F32, .. FixedTypes])];

    static byte[] Quantize(ElementType type, float[] row, float[]? importance = null)
    {
        var blocks = new byte[type.Bytes(row.Length)];
        BlockFormats.Quantize(type, row, importance ?? [], blocks);
        return blocks;
    }

    static float[] RoundTrip(ElementType type, float[] row, float[]? importance = null)
    {
        var values = new float[row.Length];
        BlockFormats.Dequantize(type, Quantize(type, row, importance), values);
        return values;
    }

    static double Error(float[] x, float[] y, float[]? weights = null) =>
        x.Select((v, i) => (weights?[i] ?? 1) * ((double)v - y[i]) * ((double)v - y[i])).Sum() / (weights?.Sum() ?? x.Length);

    static float[] Floats(SafetensorsFile file, string name)
    {
        var values = new float[file.Find(name)!.Count];
        file.Find(name)!.CopyTo(values);
        return values;
    }

    [Theory, MemberData(nameof(Fixed))]
    public void FixedRoundingsHaveGgmlsBytes(ElementType type)
    {
        using var rows = SafetensorsFile.Open(TestFiles.Golden("quant", "quantize", "a.rows.safetensors"));
        using var exact = SafetensorsFile.Open(TestFiles.Golden("quant", "quantize", "a.exact.safetensors"));
        var expected = exact.Find(type.Name().ToLowerInvariant())!;
        Assert.Equal(new ReadOnlySpan<byte>(expected.Data, (int)expected.ByteLength), Quantize(type, Floats(rows, "values")));
    }

    /// <summary>The bars of golden/quant: 1.02 of ggml's error over all kinds of rows, 1.10 in each.</summary>
    [Theory, MemberData(nameof(Searched))]
    public void SearchedErrorsAreNotAboveGgmls(ElementType type)
    {
        using var file = SafetensorsFile.Open(TestFiles.Golden("quant", "quantize", "a.rows.safetensors"));
        var index = JsonNode.Parse(File.ReadAllText(TestFiles.Golden("quant", "quantize", "index.json")))!;
        var (values, columns) = (Floats(file, "values"), (int)index["rows"]!["a"]!["cols"]!);
        foreach (var importance in new[] { null, Floats(file, "imatrix") })
        {
            var reference = index["searched"]![type.Name().ToLowerInvariant()]![importance is null ? "plain" : "imatrix"]!["a"]!;
            double ours = 0, theirs = 0;
            foreach (var (kind, range) in index["rows"]!["a"]!["kinds"]!.AsObject())
            {
                var rows = Enumerable.Range((int)range![0]!, (int)range[1]! - (int)range[0]!).Select(r => values[(r * columns)..((r + 1) * columns)]).ToList();
                var error = rows.Average(row => Error(row, RoundTrip(type, row, importance), importance));
                var (bar, power) = ((double)reference[kind]!["mse"]!, (double)reference[kind]!["mean_square"]!);
                Assert.True(error <= 1.10 * bar + 5e-7 * power, $"{kind}: {error} against {bar}");
                if (bar < 0.5 * power)
                    (ours, theirs) = (ours + error / power, theirs + bar / power + 5e-7);
            }
            Assert.InRange(ours / theirs, 0, 1.02);
        }
    }

    [Theory]
    [InlineData(ElementType.Q4_0, "003c 8091a2b3c4d5e6f7 08192a3b4c5d6e7f")]
    [InlineData(ElementType.Q4_1, "003c 00c8 8091a2b3c4d5e6f7 08192a3b4c5d6e7f")]
    [InlineData(ElementType.Q5_0, "0038 00ffff00 0022")]
    [InlineData(ElementType.Q8_0, "082c 8191")]
    public void ARampHasTheseBytes(ElementType type, string start)
    {
        // -8 to 7, then 0 to 7 and -8 to -1
        float[] ramp = [.. Enumerable.Range(0, 32).Select(i => i < 16 ? i - 8f : (i + 8) % 16 - 8f)];
        var expected = Convert.FromHexString(start.Replace(" ", ""));
        Assert.Equal(expected, Quantize(type, ramp)[..expected.Length]);
    }

    [Fact]
    public void ZerosOfASymmetricRoundingHaveANegativeZeroScale() =>
        Assert.Equal([0, 0x80, .. Enumerable.Repeat((byte)0x88, 16)], Quantize(ElementType.Q4_0, new float[32]));

    [Theory, MemberData(nameof(Types))]
    public void ZerosComeBackAsZeros(ElementType type) => Assert.All(RoundTrip(type, new float[512]), v => Assert.Equal(0, MathF.Abs(v)));

    [Theory, MemberData(nameof(Types))]
    public void AConstantComesBackNearly(ElementType type)
    {
        foreach (var constant in new[] { 1f, -1f, 0.37f, -0.37f, 1000, -0.05f })
            Assert.All(RoundTrip(type, [.. Enumerable.Repeat(constant, 256)]), v => Assert.InRange(v / constant, 0.996f, 1.004f));
    }

    /// <summary>Root of the mean squared error by the largest magnitude: half a step of the format, and a step where magnitudes vary.</summary>
    [Theory]
    [InlineData(ElementType.F16, 0.0005), InlineData(ElementType.BF16, 0.004)]
    [InlineData(ElementType.Q8_0, 0.005), InlineData(ElementType.Q6_K, 0.025), InlineData(ElementType.Q5_K, 0.05), InlineData(ElementType.Q5_0, 0.06)]
    [InlineData(ElementType.Q5_1, 0.04), InlineData(ElementType.Q4_K, 0.09), InlineData(ElementType.Q4_0, 0.13), InlineData(ElementType.Q4_1, 0.08)]
    [InlineData(ElementType.IQ4_NL, 0.1), InlineData(ElementType.IQ4_XS, 0.1), InlineData(ElementType.Q3_K, 0.2), InlineData(ElementType.Q2_K, 0.35)]
    public void TheErrorOfAnyRowIsBounded(ElementType type, double bound)
    {
        var rows = Gen.Select(Gen.Float[-1, 1].Array[256], Gen.Float[-1, 1], Gen.Int[-3, 9], Gen.Bool);
        rows.Sample((x, offset, exponent, cubed) =>
        {
            float[] row = [.. x.Select(v => ((cubed ? v * v * v : v) + offset) * MathF.Pow(2, exponent))];
            var largest = row.Max(MathF.Abs);
            Assert.InRange(Math.Sqrt(Error(row, RoundTrip(type, row))), 0, bound * largest);
        }, iter: 100);
    }

    [Theory, MemberData(nameof(Searched))]
    public void ImportanceLowersTheErrorThatCounts(ElementType type)
    {
        var random = new Random(5);
        double with = 0, without = 0;
        for (var i = 0; i < 8; i++)
        {
            float[] row = [.. Enumerable.Range(0, 256).Select(_ => random.NextSingle() - random.NextSingle())];
            float[] importance = [.. row.Select(_ => MathF.Pow(random.NextSingle(), 4))];
            with += Error(row, RoundTrip(type, row, importance), importance);
            without += Error(row, RoundTrip(type, row), importance);
        }
        Assert.InRange(with, 0, 0.9 * without);
    }

    [Theory, MemberData(nameof(Searched))]
    public void ImportanceHasNoUnit(ElementType type)
    {
        var random = new Random(6);
        float[] row = [.. Enumerable.Range(0, 256).Select(_ => random.NextSingle() - 0.5f)];
        Assert.Equal(Quantize(type, row), Quantize(type, row, new float[256])); // none at all: all alike
        float[] importance = [.. row.Select(_ => random.NextSingle())];
        Assert.Equal(Quantize(type, row, importance), Quantize(type, row, [.. importance.Select(w => w * 1024)]));
    }

    [Theory, MemberData(nameof(Types))]
    public void NumbersAtTheEdgesGiveFiniteBlocks(ElementType type)
    {
        foreach (var edge in new[] { float.Epsilon, 1e-38f, 6e-8f, 1e-5f, 60000, 1e9f, 1e20f, float.MaxValue })
        {
            float[] row = [.. Enumerable.Range(0, 256).Select(i => i % 3 == 0 ? -edge : i % 7 == 0 ? 0 : edge / (1 + i % 5))];
            if (type.BlockLength() > 1 || edge < 65504) // beyond its range a plain float is infinite
                Assert.All(RoundTrip(type, row), v => Assert.True(float.IsFinite(v)));
        }
    }

    [Theory]
    [InlineData(float.NaN, 1, "column 7"), InlineData(float.PositiveInfinity, 1, "column 7"), InlineData(0, -1, "importance of column 9")]
    [InlineData(0, float.NaN, "importance of column 9"), InlineData(0, float.PositiveInfinity, "importance of column 9")]
    public void NumbersThatAreNoneAreRefused(float value, float importance, string mention)
    {
        var (row, weights) = (new float[32], new float[32]);
        (row[7], weights[9]) = (value, importance);
        Assert.Contains(mention, Assert.Throws<CriaException>(() => Quantize(ElementType.Q8_0, row, weights)).Message);
    }

    [Fact]
    public void LengthsThatDoNotFitAreRefused()
    {
        Assert.Throws<ArgumentException>(() => BlockFormats.Quantize(ElementType.Q4_K, new float[128], [], new byte[72]));
        Assert.Throws<ArgumentException>(() => BlockFormats.Quantize(ElementType.Q8_0, new float[32], new float[31], new byte[34]));
        Assert.Throws<ArgumentException>(() => BlockFormats.Quantize(ElementType.Q8_0, new float[32], [], new byte[33]));
    }
}
