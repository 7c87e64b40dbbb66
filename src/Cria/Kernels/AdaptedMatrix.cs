using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>A matrix and a low-rank adaptor beside it (Hu et al. 2021): y = W x + scale B (A x), both of the same x.</summary>
sealed unsafe class AdaptedMatrix(WeightMatrix matrix, Tensor a, Tensor b, float scale, Compute compute) : WeightMatrix
{
    readonly StoredMatrix _a = new(a, compute), _b = new(b, compute);
    readonly NativeBuffer _low = new(), _added = new();
    readonly int _rank = (int)a.Shape[0];

    public override void Multiply(Matrix x, Matrix y)
    {
        var (low, added) = (_low.Reserve(x.Rows, _rank), _added.Reserve(y.Rows, y.Columns));
        _a.Multiply(x, low);
        for (var i = 0; i < low.Count; i++)
            low.Data[i] *= scale;
        _b.Multiply(low, added);
        matrix.Multiply(x, y);
        compute.Add(y, added);
    }

    public override void Dispose()
    {
        matrix.Dispose();
        _low.Dispose();
        _added.Dispose();
    }
}
