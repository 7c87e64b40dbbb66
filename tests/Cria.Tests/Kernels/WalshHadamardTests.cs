using System.Numerics;
using Cria.Kernels;

namespace Cria.Tests.Kernels;

public sealed class WalshHadamardTests
{
    [Theory]
    [InlineData(1), InlineData(2), InlineData(16), InlineData(256)]
    public void ItIsTheMatrixOfItsFormulaAndItsOwnInverse(int n)
    {
        var random = new Random(n);
        var x = Enumerable.Range(0, n).Select(_ => (float)random.NextDouble() - 0.5f).ToArray();
        var y = (float[])x.Clone();
        WalshHadamard.Apply(y);
        for (var i = 0; i < n; i++)
            Assert.Equal(Enumerable.Range(0, n).Sum(j => x[j] * (BitOperations.PopCount((uint)(i & j)) % 2 == 0 ? 1.0 : -1.0)) / Math.Sqrt(n), y[i], 1e-6);
        WalshHadamard.Apply(y);
        Assert.All(x.Zip(y), p => Assert.Equal(p.First, p.Second, 1e-6f));
    }
}
