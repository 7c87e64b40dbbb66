using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>
/// Rotary position embedding with the llama3 scaling (spec section 2), in the half-split layout. Frequencies and angles are rounded to
/// float32 exactly where the reference rounds: at position 9000 one unit in the last place of a frequency is 5e-4 rad.
/// </summary>
sealed unsafe class Rope(ModelConfig config) : IDisposable
{
    readonly float[] _frequencies = Frequencies(config);
    readonly NativeBuffer _cos = new(), _sin = new();

    /// <summary>The inverse frequencies of a configuration, divided by its factors if it has any.</summary>
    static float[] Frequencies(ModelConfig config)
    {
        var frequencies = Frequencies(config.RopeTheta, config.HeadSize, config.RopeScaling);
        for (var i = 0; i < (config.RopeFactors?.Count ?? 0); i++)
            frequencies[i] /= config.RopeFactors![i];
        return frequencies;
    }

    /// <summary>The inverse frequencies g_i in radians per position, i in [0, headSize / 2).</summary>
    public static float[] Frequencies(float theta, int headSize, RopeScaling? scaling)
    {
        var frequencies = new float[headSize / 2];
        for (var i = 0; i < frequencies.Length; i++)
        {
            var f = 1f / MathF.Pow(theta, 2f * i / headSize);
            frequencies[i] = scaling is null ? f : Scale(f, scaling);
        }
        return frequencies;
    }

    static float Scale(float f, RopeScaling scaling)
    {
        var wavelength = (float)(2 * Math.PI) / f;
        var context = (float)scaling.OriginalMaxPositions;
        if (wavelength < context / scaling.HighFrequencyFactor)
            return f;
        if (wavelength > context / scaling.LowFrequencyFactor)
            return f / scaling.Factor;
        var smooth = (context / wavelength - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        return (1 - smooth) * f / scaling.Factor + smooth * f;
    }

    /// <summary>Computes the angles of the rows that are rotated next.</summary>
    public void Prepare(ReadOnlySpan<Row> rows)
    {
        var half = _frequencies.Length;
        var (cos, sin) = (_cos.Reserve(rows.Length, half), _sin.Reserve(rows.Length, half));
        for (var row = 0; row < rows.Length; row++)
            for (var i = 0; i < half; i++)
                (sin[row][i], cos[row][i]) = MathF.SinCos(rows[row].Position * _frequencies[i]);
    }

    /// <summary>Rotates every head of x [rows, heads * head size] in place; behind it pairs stand at i and half + i.</summary>
    public void Rotate(Compute compute, Matrix x)
    {
        var half = _frequencies.Length;
        var (cos, sin) = (_cos.Reserve(x.Rows, half), _sin.Reserve(x.Rows, half));
        compute.ForRows(x.Rows, x.Columns, 1, (first, end) =>
        {
            for (var row = first; row < end; row++)
            {
                if (config.AdjacentPairs)
                    compute.Kernels.RotateAdjacent(x[row], x.Columns / (2 * half), 2 * half, cos[row], sin[row]);
                else
                    compute.Kernels.Rotate(x[row], x.Columns / (2 * half), 2 * half, cos[row], sin[row]);
            }
        });
    }

    public void Dispose()
    {
        _cos.Dispose();
        _sin.Dispose();
    }
}
