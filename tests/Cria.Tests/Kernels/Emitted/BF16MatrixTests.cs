using System.Runtime.InteropServices;
using Cria.Kernels;
using Cria.Kernels.Emitted;
using Cria.Tensors;

namespace Cria.Tests.Kernels.Emitted;

public sealed class BF16MatrixTests
{
    [Theory]
    [InlineData(1, 32)]
    [InlineData(7, 96)]
    [InlineData(130, 2080)]
    [InlineData(37, 4160)]
    public void ProductsHaveTheBitsOfTheIntrinsicsForAnyNumberOfRowsAndThreads(int outputs, int columns)
    {
        Assert.SkipUnless(BF16Matrix.Supports(columns), "needs AVX512_BF16 and executable memory");
        var random = new Random(columns);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4 - 2))];
        using var memory = new ArrayMemory(TestModels.Bytes(Values(outputs * columns), ElementType.BF16));
        var weight = new Tensor("w", ElementType.BF16, [outputs, columns], memory, 0);
        var x = Values(14 * columns);
        for (var rows = 1; rows <= 14; rows++)
            foreach (var threads in new[] { 1, 2 })
                Assert.Equal(Product(c => new StoredMatrix(weight, c), x, rows, outputs, 1), Product(c => new BF16Matrix(weight, c), x, rows, outputs, threads));
    }

    static unsafe float[] Product(Func<Compute, WeightMatrix> create, float[] x, int rows, int outputs, int threads)
    {
        using var compute = new Compute(KernelSet.Best, threads, roundToBF16: true);
        using var matrix = create(compute);
        var y = new float[rows * outputs];
        fixed (float* from = x, to = y)
            matrix.Multiply(new Matrix(from, rows, x.Length / 14), new Matrix(to, rows, outputs));
        return y;
    }

    sealed unsafe class ArrayMemory(byte[] bytes) : TensorMemory("memory", bytes.Length)
    {
        readonly GCHandle _pin = GCHandle.Alloc(bytes, GCHandleType.Pinned);

        public override byte* Pointer => (byte*)_pin.AddrOfPinnedObject();

        public override void Dispose() => _pin.Free();
    }
}
