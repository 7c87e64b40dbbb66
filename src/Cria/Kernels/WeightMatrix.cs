namespace Cria.Kernels;

/// <summary>
/// A weight matrix [out, in] in the form that its kernel reads. The outputs of a row do not depend, bit for bit, on the other rows of
/// the batch or on the number of threads. One caller at a time.
/// </summary>
abstract class WeightMatrix : IDisposable
{
    /// <summary>Y = X Wᵀ; x [rows, in], y [rows, out].</summary>
    public abstract void Multiply(Matrix x, Matrix y);

    /// <summary>Frees what the form needs beyond the mapped file.</summary>
    public virtual void Dispose()
    {
    }
}
