using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>A low-rank addition to a matrix product (Hu et al. 2021): y += scale B (A x); A [rank, in], B [out, rank].</summary>
sealed unsafe class LowRankProduct(Tensor a, Tensor b, float scale, Compute compute)
{
    readonly StoredMatrix _a = new(a, compute), _b = new(b, compute);
    readonly int _rank = (int)a.Shape[0];

    public void AddTo(Matrix y, Matrix x)
    {
        var room = compute.LowRank.Reserve((long)x.Rows * (_rank + y.Columns));
        var (added, low) = (new Matrix(room, y.Rows, y.Columns), new Matrix(room + y.Count, x.Rows, _rank));
        _a.Multiply(x, low);
        for (var i = 0; i < low.Count; i++)
            low.Data[i] *= scale;
        _b.Multiply(low, added);
        compute.Add(y, added);
    }
}
