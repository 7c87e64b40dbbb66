namespace Cria.Kernels.Blocks;

/// <summary>Sums over values x with weights w and levels q: all that weighted least squares need to know of them.</summary>
struct Moments
{
    public double W, Wx, Wxx, Wq, Wqq, Wxq;

    /// <summary>Σ w (x − scale q + minimum)².</summary>
    public readonly double Error(Line line) => Wxx + 2 * line.Minimum * Wx + (double)line.Minimum * line.Minimum * W
        + line.Scale * (line.Scale * Wqq - 2 * (Wxq + line.Minimum * Wq));

    /// <summary>The line of least error, its minimum not negative; or the one without a minimum.</summary>
    public readonly Line Solve(bool withMinimum)
    {
        var determinant = W * Wqq - Wq * Wq;
        if (withMinimum && determinant > 1e-6 * W * Wqq && Wq * Wxq >= Wqq * Wx)
            return new((float)((W * Wxq - Wq * Wx) / determinant), (float)((Wq * Wxq - Wqq * Wx) / determinant));
        return Wqq > 0 ? new((float)(Wxq / Wqq), 0) : new(0, withMinimum && Wx < 0 ? (float)(-Wx / W) : 0);
    }

    /// <summary>Adds a sub-block whose values are quantized as d (scale q) − dmin minimum, in the sums for d and dmin.</summary>
    public void Add(in Moments part, float scale, float minimum)
    {
        W += minimum * minimum * part.W;
        Wx += minimum * part.Wx;
        Wxx += part.Wxx;
        Wq += scale * minimum * part.Wq;
        Wqq += scale * scale * part.Wqq;
        Wxq += scale * part.Wxq;
    }
}
