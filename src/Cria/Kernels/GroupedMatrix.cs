using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>
/// Integer weights of one byte, scales [out, groups] over equal groups of columns, and activations that become int8 row by row:
/// y[o] = s Σ_g S[o, g] Σ_k w[o, k] x[k] over the columns k of g, the inner sums in integers (Meta's 8da4w and 8da8w, spec section 8).
/// </summary>
sealed unsafe class GroupedMatrix(Tensor codes, Tensor scales, float epsilon, Compute compute) : WeightMatrix
{
    readonly Int8Rows _rows = new();

    public override void Multiply(Matrix x, Matrix y)
    {
        var weights = (sbyte*)codes.Data;
        var factors = (float*)scales.Data;
        var groups = (int)(scales.Count / y.Columns);
        _rows.Quantize(compute, x, epsilon);
        var chunk = compute.ChunkOutputs(x, y.Columns, x.Columns);
        compute.Pool.Run((y.Columns + chunk - 1) / chunk, (i, _) =>
        {
            for (var output = i * chunk; output < Math.Min(y.Columns, (i + 1) * chunk); output++)
            {
                for (var row = 0; row < x.Rows; row++)
                {
                    y[row][output] = _rows.Scales[row] * Dot(weights + (long)output * x.Columns, factors + (long)output * groups,
                        _rows.Codes + (long)row * x.Columns, groups, x.Columns / groups);
                }
            }
        });
    }

    static float Dot(sbyte* weights, float* scales, short* x, int groups, int size)
    {
        var sum = Vector256<float>.Zero;
        var rest = 0f;
        for (var group = 0; group < groups; group++, weights += size, x += size)
        {
            var part = Vector256<int>.Zero;
            var k = 0;
            for (; k <= size - Vector256<short>.Count; k += Vector256<short>.Count)
                part += Products(weights + k, x + k);
            sum += Vector256.ConvertToSingle(part) * scales[group];
            for (; k < size; k++)
                rest += scales[group] * (weights[k] * x[k]);
        }
        return Vector256.Sum(sum) + rest;
    }

    /// <summary>Sixteen products in eight sums. No product leaves 16 bits: |w| is at most 128 and |x| at most 255.</summary>
    static Vector256<int> Products(sbyte* weights, short* x)
    {
        var w = Vector128.Load(weights);
        if (Avx2.IsSupported)
            return Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(w), Vector256.Load(x));
        var (low, high) = (Vector128.WidenLower(w) * Vector128.Load(x), Vector128.WidenUpper(w) * Vector128.Load(x + 8));
        return Vector256.Create(Vector128.WidenLower(low) + Vector128.WidenUpper(low), Vector128.WidenLower(high) + Vector128.WidenUpper(high));
    }

    public override void Dispose() => _rows.Dispose();
}
