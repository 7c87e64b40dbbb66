using System.Runtime.InteropServices;
using Cria.Kernels;
using Cria.Kernels.Blocks;
using Cria.Kernels.Panels;
using Cria.Tensors;

namespace Cria.Tests.Kernels.Panels;

public sealed unsafe class PanelMatrixTests
{
    public static TheoryData<ElementType, int> TypesAndKernels()
    {
        var data = new TheoryData<ElementType, int>();
        foreach (var type in PanelFormat.Types)
            for (var i = 0; i < PanelKernels.All.Count; i++)
                data.Add(type, i);
        return data;
    }

    [Theory, MemberData(nameof(TypesAndKernels))]
    public void ProductsMatchDoubleArithmeticOnQuantizedActivations(ElementType type, int kernels)
    {
        foreach (var (outputs, blocks, rows) in new[] { (1, 1, 1), (16, 2, 2), (37, 3, 9), (64, 4, 4), (95, 1, 7), (33, 11, 33) })
        {
            var columns = blocks * type.BlockLength();
            var random = new Random(outputs);
            var weights = Weights(random, type, outputs * columns);
            var x = Activations(random, rows, columns);
            var y = Product(type, kernels, weights, x, outputs, columns, threads: 1);

            var values = new float[outputs * columns];
            BlockFormats.Dequantize(type, weights, values);
            var quantized = Quantize(x, PanelFormat.Of(type).ActivationBlock);
            for (var row = 0; row < rows; row++)
                for (var output = 0; output < outputs; output++)
                {
                    double sum = 0, magnitude = 0;
                    for (var i = 0; i < columns; i++)
                    {
                        var term = values[output * columns + i] * quantized[row * columns + i];
                        sum += term;
                        magnitude += Math.Abs(term);
                    }
                    Assert.Equal(sum, y[row * outputs + output], magnitude * 1e-5 + 1e-30);
                }
        }
    }

    [Theory, MemberData(nameof(TypesAndKernels))]
    public void AScaleThatIsNotFiniteIsRefused(ElementType type, int kernels)
    {
        var columns = 3 * type.BlockLength();
        var weights = Weights(new Random(3), type, 40 * columns);
        var x = Activations(new Random(3), 1, columns);
        var scale = type switch { ElementType.Q2_K => 80, ElementType.Q3_K => 108, ElementType.Q6_K => 208, _ => 0 }; // its place in a block
        (weights[^(type.BlockBytes() - scale)], weights[^(type.BlockBytes() - scale - 1)]) = (0, 0x7C);
        Assert.Throws<CriaException>(() => Product(type, kernels, weights, x, 40, columns, threads: 1));
    }

    [Theory, MemberData(nameof(TypesAndKernels))]
    public void RowsDoNotDependOnTheirBatchTheThreadsTheInstructionsOrThePlaceOfTheWeights(ElementType type, int kernels)
    {
        const int outputs = 530, rows = 9;
        var columns = 512;
        var random = new Random(7);
        var weights = Weights(random, type, outputs * columns);
        var x = Activations(random, rows, columns);
        var best = Product(type, 0, weights, x, outputs, columns, threads: 1);
        for (var count = 1; count <= rows; count++)
            for (var first = 0; first <= rows - count; first += count)
                foreach (var (threads, repack) in new[] { (1, true), (2, true), (2, false) })
                    Assert.Equal(best[(first * outputs)..((first + count) * outputs)],
                        Product(type, kernels, weights, x[(first * columns)..((first + count) * columns)], outputs, columns, threads, repack));
    }

    /// <summary>The largest codes with the largest activations of either sign: no sum leaves its bits.</summary>
    [Theory, MemberData(nameof(TypesAndKernels))]
    public void ExtremeCodesDoNotOverflow(ElementType type, int kernels)
    {
        const int outputs = 32;
        var columns = type.BlockLength() * 2;
        foreach (var fill in new byte[] { 0, 0x80, 0x7F, 0xFF })
            foreach (var alternate in new[] { 1, -1 })
            {
                var weights = new byte[type.Bytes(outputs * columns)];
                Array.Fill(weights, fill);
                SetScales(new Random(1), type, weights);
                var x = Enumerable.Range(0, columns).Select(i => i % 2 == 0 ? 1f : alternate).ToArray();
                var y = Product(type, kernels, weights, x, outputs, columns, threads: 1);
                var values = new float[outputs * columns];
                BlockFormats.Dequantize(type, weights, values);
                for (var output = 0; output < outputs; output++)
                {
                    var terms = x.Select((v, i) => (double)v * values[output * columns + i]).ToArray();
                    Assert.Equal(terms.Sum(), y[output], terms.Sum(Math.Abs) * 1e-5 + 1e-30);
                }
            }
    }

    static float[] Product(ElementType type, int kernels, byte[] weights, float[] x, int outputs, int columns, int threads, bool repack = true)
    {
        var rows = x.Length / columns;
        var y = new float[rows * outputs];
        using var compute = new Compute(KernelSet.Best, threads, roundToBF16: false);
        fixed (byte* w = weights)
        fixed (float* from = x, to = y)
        {
            using var matrix = new PanelMatrix(PanelFormat.Of(type), PanelKernels.All[kernels], w, type.Bytes(columns), outputs, columns, compute, repack, "weights");
            matrix.Multiply(new Matrix(from, rows, columns), new Matrix(to, rows, outputs));
        }
        return y;
    }

    static double[] Quantize(float[] x, int block)
    {
        var quantized = new double[x.Length];
        for (var first = 0; first < x.Length; first += block)
        {
            var max = x.Skip(first).Take(block).Max(MathF.Abs);
            for (var i = first; i < first + block; i++)
                quantized[i] = max == 0 ? 0 : (double)(max / 127) * MathF.Round(x[i] * (127 / max));
        }
        return quantized;
    }

    static float[] Activations(Random random, int rows, int columns)
    {
        var x = new float[rows * columns];
        for (var i = 0; i < x.Length; i++)
            x[i] = (float)(random.NextDouble() * 4 - 2) * (i / 16 % 5); // some blocks are zero, in part or all
        return x;
    }

    static byte[] Weights(Random random, ElementType type, int count)
    {
        var blocks = new byte[type.Bytes(count)];
        random.NextBytes(blocks);
        SetScales(random, type, blocks);
        return blocks;
    }

    /// <summary>Scales and minima of every block between 0.5 and 1.5, of either sign.</summary>
    static void SetScales(Random random, ElementType type, byte[] blocks)
    {
        int[] places = type switch
        {
            ElementType.Q4_1 or ElementType.Q5_1 or ElementType.Q4_K or ElementType.Q5_K => [0, 2],
            ElementType.Q2_K => [80, 82],
            ElementType.Q3_K => [108],
            ElementType.Q6_K => [208],
            _ => [0],
        };
        for (var block = 0; block < blocks.Length; block += type.BlockBytes())
            foreach (var place in places)
                MemoryMarshal.Write(blocks.AsSpan(block + place), (Half)((random.NextDouble() + 0.5) * (random.Next(2) * 2 - 1)));
    }
}
