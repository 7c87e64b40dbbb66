namespace Cria.Kernels;

/// <summary>A view of float32 activations [rows, columns], row after row in native memory.</summary>
readonly unsafe struct Matrix(float* data, int rows, int columns)
{
    public float* Data => data;

    public int Rows => rows;

    public int Columns => columns;

    public long Count => (long)rows * columns;

    public float* this[int row] => data + (nint)row * columns;

    /// <summary>The same values in rows of another length, which divides the columns.</summary>
    public Matrix InRowsOf(int length) => new(data, rows * (columns / length), length);

    /// <summary>Rows [first, first + count).</summary>
    public Matrix Slice(int first, int count) => new(this[first], count, columns);
}
