namespace Cria.Kernels;

/// <summary>A matrix and a low-rank addition that belongs to it.</summary>
sealed class AdaptedMatrix(WeightMatrix matrix, LowRankProduct addition) : WeightMatrix
{
    public override void Multiply(Matrix x, Matrix y)
    {
        matrix.Multiply(x, y);
        addition.AddTo(y, x);
    }

    public override void Dispose() => matrix.Dispose();
}
