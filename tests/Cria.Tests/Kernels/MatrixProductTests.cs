using Cria.Kernels;
using Cria.Tensors;
using CsCheck;

namespace Cria.Tests.Kernels;

public sealed unsafe class MatrixProductTests
{
    public static TheoryData<int, ElementType> KernelsAndTypes()
    {
        var data = new TheoryData<int, ElementType>();
        foreach (var kernels in KernelSet.All)
            foreach (var type in new[] { ElementType.F32, ElementType.F16, ElementType.BF16 })
                data.Add(kernels.Bits, type);
        return data;
    }

    [Theory, MemberData(nameof(KernelsAndTypes))]
    public void ProductsMatchDoubleArithmeticAndRowsDoNotDependOnTheirBatch(int bits, ElementType type) =>
        Gen.Select(Gen.Int[1, 150], Gen.Int[1, 23], Gen.Int[1, 15], Gen.Int).Sample((columns, outputs, rows, seed) =>
        {
            var kernels = KernelSet.All.Single(k => k.Bits == bits);
            var random = new Random(seed);
            var weights = TestModels.Bytes(Random(random, outputs * columns), type);
            var x = Random(random, rows * columns);
            var y = Product(kernels, type, weights, x, columns, outputs, roundToBF16: false);
            var wide = Widen(weights, type);
            for (var row = 0; row < rows; row++)
            {
                Assert.Equal(Product(kernels, type, weights, x[(row * columns)..((row + 1) * columns)], columns, outputs, false),
                    y[(row * outputs)..((row + 1) * outputs)]);
                for (var output = 0; output < outputs; output++)
                {
                    double sum = 0, magnitude = 0;
                    for (var i = 0; i < columns; i++)
                    {
                        var term = (double)wide[output * columns + i] * x[row * columns + i];
                        sum += term;
                        magnitude += Math.Abs(term);
                    }
                    Assert.Equal(sum, y[row * outputs + output], magnitude * 2e-6 + 1e-30);
                }
            }
        }, iter: 60);

    [Theory, MemberData(nameof(KernelsAndTypes))]
    public void OutputsDoNotDependOnWhereTheMatrixIsCut(int bits, ElementType type)
    {
        var kernels = KernelSet.All.Single(k => k.Bits == bits);
        const int columns = 70, outputs = 21, rows = 9;
        var random = new Random(3);
        var weights = TestModels.Bytes(Random(random, outputs * columns), type);
        var x = Random(random, rows * columns);
        var whole = Product(kernels, type, weights, x, columns, outputs, false);
        for (var cut = 1; cut < outputs; cut++)
            Assert.Equal(whole, Product(kernels, type, weights, x, columns, outputs, false, cut));
    }

    /// <summary>Long rows are computed in blocks of columns when there are six or more of them, and in one go when there are fewer.</summary>
    [Theory, MemberData(nameof(KernelsAndTypes))]
    public void LongRowsDoNotDependOnTheirBatch(int bits, ElementType type)
    {
        var kernels = KernelSet.All.Single(k => k.Bits == bits);
        const int outputs = 70, rows = 13;
        foreach (var columns in new[] { 1023, 1024, 1029, 2048, 3100 })
        {
            var random = new Random(columns);
            var weights = TestModels.Bytes(Random(random, outputs * columns), type);
            var x = Random(random, rows * columns);
            var together = Product(kernels, type, weights, x, columns, outputs, false, cut: 3);
            for (var row = 0; row < rows; row++)
            {
                Assert.Equal(Product(kernels, type, weights, x[(row * columns)..((row + 1) * columns)], columns, outputs, false),
                    together[(row * outputs)..((row + 1) * outputs)]);
            }
        }
    }

    [Theory, MemberData(nameof(KernelsAndTypes))]
    public void BF16ArithmeticRoundsTheActivationsFirst(int bits, ElementType type)
    {
        var kernels = KernelSet.All.Single(k => k.Bits == bits);
        var random = new Random(4);
        var weights = TestModels.Bytes(Random(random, 5 * 70), type);
        var x = Random(random, 7 * 70);
        var rounded = Widen(TestModels.Bytes(x, ElementType.BF16), ElementType.BF16);
        Assert.Equal(Product(kernels, type, weights, rounded, 70, 5, false), Product(kernels, type, weights, x, 70, 5, true));
    }

    [Fact]
    public void EveryFiniteHalfIsWidenedExactly()
    {
        var values = Enumerable.Range(0, 65536).Select(i => BitConverter.UInt16BitsToHalf((ushort)i)).Select(v => Half.IsFinite(v) ? v : (Half)0).ToArray();
        var weights = System.Runtime.InteropServices.MemoryMarshal.AsBytes<Half>(values).ToArray();
        foreach (var kernels in KernelSet.All)
        {
            // A row of weights times a unit vector: a sum of one term that is not 0 is the weight itself.
            var wide = kernels.PackedColumns(1);
            var x = new float[65536];
            for (var lane = 0; lane < wide; lane++)
            {
                var unit = new float[wide];
                unit[lane] = 1;
                var sums = Product(kernels, ElementType.F16, weights, unit, wide, 65536 / wide, false);
                for (var i = 0; i < sums.Length; i++)
                    x[i * wide + lane] = sums[i];
            }
            Assert.Equal(values.Select(v => (float)v), x);
        }
    }

    static float[] Random(Random random, int count)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = (float)(random.NextDouble() * 4 - 2);
        return values;
    }

    static float[] Widen(byte[] bytes, ElementType type)
    {
        var values = new float[bytes.Length / type.BlockBytes()];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = type switch
            {
                ElementType.F32 => BitConverter.ToSingle(bytes, 4 * i),
                ElementType.F16 => (float)BitConverter.ToHalf(bytes, 2 * i),
                _ => BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(bytes, 2 * i) << 16),
            };
        }
        return values;
    }

    static float[] Product(KernelSet kernels, ElementType type, byte[] weights, float[] x, int columns, int outputs, bool roundToBF16, int cut = 0)
    {
        var rows = x.Length / columns;
        var y = new float[rows * outputs];
        using var buffer = new NativeBuffer();
        var packed = buffer.Reserve(rows, kernels.PackedColumns(columns)).Data;
        fixed (byte* w = weights)
        fixed (float* from = x, to = y)
        {
            kernels.Pack(type, from, columns, 0, rows, roundToBF16, packed);
            kernels.Multiply(type, w, columns, 0, cut, packed, 0, rows, to, outputs);
            kernels.Multiply(type, w, columns, cut, outputs, packed, 0, rows, to, outputs);
        }
        return y;
    }
}
