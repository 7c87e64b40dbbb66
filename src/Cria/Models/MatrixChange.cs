using System.Numerics;
using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Kernels;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>
/// What an adapter makes of a matrix W: another matrix, W + s B A, or with DoRA (Liu et al. 2024) the rows of that with the lengths that the
/// adapter gives them. W itself stays as it is.
/// </summary>
sealed unsafe class MatrixChange(PeftModule module, Checkpoint checkpoint, Compute compute)
{
    readonly StoredMatrix? _whole = module.Weight is { } weight ? new StoredMatrix(weight, compute) : null;
    readonly LowRankProduct? _product = module is { A: { } a, B: { } b } ? new LowRankProduct(a, b, module.Scale, compute) : null;
    readonly float[]? _lengths = module.Magnitude is null ? null : Lengths(module, checkpoint.Get(module.Role, module.Layer), compute.Pool.Threads);

    /// <summary>Whether the product with W itself is not needed.</summary>
    public bool IsWhole => _whole is not null;

    /// <summary>From y = W x [rows, out] to the adapter's; x [rows, in].</summary>
    public void Apply(Matrix x, Matrix y)
    {
        _whole?.Multiply(x, y);
        _product?.AddTo(y, x);
        if (_lengths is null)
            return;
        for (var row = 0; row < y.Rows; row++)
            for (var i = 0; i < y.Columns; i++)
                y[row][i] *= _lengths[i];
    }

    /// <summary>For each row of W + s B A the magnitude over its length.</summary>
    static float[] Lengths(PeftModule module, Tensor weight, int threads)
    {
        if (weight.Type == ElementType.I8)
            throw new CriaException($"{module.Magnitude!.File}: {OneLine.Cut(module.Magnitude.Name)} is of DoRA, which a quantized model of Meta's does not take");
        var (rank, columns) = ((int)module.A!.Shape[0], (int)weight.Shape[1]);
        var (a, b, lengths) = (Values(module.A), Values(module.B!), Values(module.Magnitude!));
        Parallel.For(0, lengths.Length, new() { MaxDegreeOfParallelism = threads }, () => new float[columns], (i, _, row) =>
        {
            BlockFormats.Dequantize(weight.Type, new ReadOnlySpan<byte>(weight.Data + weight.Type.Bytes((long)i * columns), (int)weight.Type.Bytes(columns)), row);
            for (var r = 0; r < rank; r++)
                Add(row, a.AsSpan(r * columns, columns), module.Scale * b[i * rank + r]);
            var squares = 0.0;
            foreach (var value in row)
                squares += (double)value * value;
            lengths[i] /= (float)Math.Sqrt(squares);
            return row;
        }, _ => { });
        return lengths;
    }

    static void Add(Span<float> row, ReadOnlySpan<float> other, float factor)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(row);
        var others = MemoryMarshal.Cast<float, Vector<float>>(other);
        for (var i = 0; i < vectors.Length; i++)
            vectors[i] += factor * others[i];
        for (var i = vectors.Length * Vector<float>.Count; i < row.Length; i++)
            row[i] += factor * other[i];
    }

    static float[] Values(Tensor tensor)
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return values;
    }
}
