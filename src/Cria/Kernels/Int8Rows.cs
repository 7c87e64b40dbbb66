namespace Cria.Kernels;

/// <summary>
/// Rows of activations as integers: x ≈ scale (code - zero point), 8 bits from the smallest to the largest value of each row with 0
/// exact (torchao's per-token dynamic quantization, spec section 8). The difference is what is kept, in 16 bits.
/// </summary>
sealed unsafe class Int8Rows : IDisposable
{
    readonly NativeBuffer _codes = new(), _scales = new();

    /// <summary>The differences of a row; holds until the next call.</summary>
    public short* Codes { get; private set; }

    /// <summary>The scale of each row.</summary>
    public float* Scales { get; private set; }

    /// <summary>Quantizes all rows; `epsilon` is the smallest scale.</summary>
    public void Quantize(Compute compute, Matrix x, float epsilon)
    {
        Codes = (short*)_codes.Reserve((x.Count + 1) / 2);
        Scales = _scales.Reserve(x.Rows);
        compute.ForRows(x.Rows, x.Columns, 1, (first, end) =>
        {
            for (var row = first; row < end; row++)
                Scales[row] = Quantize(new ReadOnlySpan<float>(x[row], x.Columns), epsilon, Codes + (long)row * x.Columns);
        });
    }

    static float Quantize(ReadOnlySpan<float> x, float epsilon, short* codes)
    {
        var (min, max) = (0f, 0f);
        foreach (var value in x)
            (min, max) = (MathF.Min(min, value), MathF.Max(max, value));
        var scale = MathF.Max((max - min) / 255, epsilon);
        var inverse = 1 / scale;
        var zero = Math.Clamp(-128 - MathF.Round(min / scale), -128f, 127f);
        for (var i = 0; i < x.Length; i++)
            codes[i] = (short)(Math.Clamp(MathF.Round(x[i] * inverse) + zero, -128f, 127f) - zero);
        return scale;
    }

    public void Dispose()
    {
        _codes.Dispose();
        _scales.Dispose();
    }
}
