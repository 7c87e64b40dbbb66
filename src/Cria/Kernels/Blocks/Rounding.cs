namespace Cria.Kernels.Blocks;

/// <summary>The fixed roundings of ggml's simple blocks of 32: no search, and the same bytes everywhere. Multiply and add stay apart.</summary>
static unsafe class Rounding
{
    /// <summary>Codes around 2^(bits−1); the value of the largest magnitude gets code 0. The scale, not rounded to F16.</summary>
    public static float Symmetric(float* x, int bits, byte* codes)
    {
        var largest = 0f;
        for (var i = 0; i < 32; i++)
            largest = MathF.Abs(x[i]) > MathF.Abs(largest) ? x[i] : largest;
        var zero = 1 << (bits - 1);
        var d = largest / -zero;
        Codes(x, 0, d, zero + 0.5f, bits, codes);
        return d;
    }

    /// <summary>Codes from the smallest value up: scale and smallest value, not rounded to F16.</summary>
    public static (float D, float Smallest) FromSmallest(float* x, int bits, byte* codes)
    {
        var (smallest, largest) = (x[0], x[0]);
        for (var i = 1; i < 32; i++)
        {
            smallest = x[i] < smallest ? x[i] : smallest;
            largest = x[i] > largest ? x[i] : largest;
        }
        var d = (largest - smallest) / ((1 << bits) - 1);
        Codes(x, smallest, d, 0.5f, bits, codes);
        return (d, smallest);
    }

    static void Codes(float* x, float smallest, float d, float zero, int bits, byte* codes)
    {
        var inverse = Inverse(d);
        for (var i = 0; i < 32; i++)
            codes[i] = (byte)Math.Min((1 << bits) - 1, (int)((x[i] - smallest) * inverse + zero));
    }

    public static float Inverse(float d) => d == 0 ? 0 : 1 / d;
}
