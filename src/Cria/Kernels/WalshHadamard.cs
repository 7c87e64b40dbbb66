using System.Numerics;

namespace Cria.Kernels;

/// <summary>The orthonormal Walsh-Hadamard transform in natural order: y = H x / √n, H[i, j] = (-1)^popcount(i &amp; j); it is its own inverse.</summary>
static class WalshHadamard
{
    /// <summary>Transforms a vector of a power of two elements in place, in log n rounds of sums and differences.</summary>
    public static void Apply(Span<float> x)
    {
        for (var half = 1; half < x.Length; half *= 2)
        {
            for (var start = 0; start < x.Length; start += 2 * half)
                Butterfly(x.Slice(start, half), x.Slice(start + half, half));
        }
        var norm = 1 / MathF.Sqrt(x.Length);
        foreach (ref var value in x)
            value *= norm;
    }

    static void Butterfly(Span<float> a, Span<float> b)
    {
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var (u, v) = (new Vector<float>(a[i..]), new Vector<float>(b[i..]));
            (u + v).CopyTo(a[i..]);
            (u - v).CopyTo(b[i..]);
        }
        for (; i < a.Length; i++)
            (a[i], b[i]) = (a[i] + b[i], a[i] - b[i]);
    }
}
