using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cria.Kernels.Panels;

/// <summary>
/// One row of activations in 8 bits, code = round(127 x / max |x|) with a float32 scale for each block of 32 (for weights in blocks of
/// 32) or of 256 (for the K types), as ggml's Q8_0 and Q8_K do. It depends on the row alone. Beside the codes lie the sums that
/// kernels need to take away what was added to the weights to make them unsigned.
/// </summary>
static unsafe class QuantizedRow
{
    /// <summary>A block of 32: the codes, then −8 times the sums of bytes 0, 1 and of bytes 2, 3 of all quads as two shorts, −128 times
    /// the sum of all, the scale, and the scale times the sum.</summary>
    public const int Bytes32 = 48, NibbleStart = 32, ByteStart = 36, Scale32 = 40, ScaledSum = 44;

    /// <summary>A block of 256: the codes; for each 16 of them −32 times the two sums as shorts; the sums of 16 and of 32 as shorts; the
    /// scale and its negative.</summary>
    public const int Bytes256 = 384, SixBitStarts = 256, Sums16 = 320, Sums32 = 352, Scale256 = 368, NegativeScale = 372;

    /// <summary>Below this a block counts as zero: the inverse of its scale would overflow.</summary>
    const float Smallest = 1e-30f;

    /// <summary>Whole blocks of 32, an even number of them: zeros are added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize32(float* x, int columns, byte* row)
    {
        for (var i = 0; i < columns; i += 32, row += Bytes32)
        {
            var scale = Scale(x + i, 32, out var inverse);
            var sums = Quantize16(x + i, inverse, row) + Quantize16(x + i + 16, inverse, row + 16);
            *(int*)(row + NibbleStart) = Starts(sums, 8);
            var sum = Vector128.Sum(sums);
            *(int*)(row + ByteStart) = -128 * sum;
            *(float*)(row + Scale32) = scale;
            *(float*)(row + ScaledSum) = scale * sum;
        }
        if (columns % 64 != 0)
            new Span<byte>(row, Bytes32).Clear();
    }

    /// <summary>Whole blocks of 256.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize256(float* x, int columns, byte* row)
    {
        for (var i = 0; i < columns; i += 256, row += Bytes256)
        {
            var scale = Scale(x + i, 256, out var inverse);
            for (var j = 0; j < 16; j++)
            {
                var sums = Quantize16(x + i + 16 * j, inverse, row + 16 * j);
                ((int*)(row + SixBitStarts))[j] = Starts(sums, 32);
                ((short*)(row + Sums16))[j] = (short)Vector128.Sum(sums);
            }
            for (var j = 0; j < 8; j++)
                ((short*)(row + Sums32))[j] = (short)(((short*)(row + Sums16))[2 * j] + ((short*)(row + Sums16))[2 * j + 1]);
            *(float*)(row + Scale256) = scale;
            *(float*)(row + NegativeScale) = -scale;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Scale(float* x, int count, out Vector128<float> inverse)
    {
        var largest = Vector128<float>.Zero;
        for (var i = 0; i < count; i += 4)
            largest = Vector128.Max(largest, Vector128.Abs(Vector128.Load(x + i)));
        largest = Vector128.Max(largest, Vector128.Shuffle(largest, Vector128.Create(2, 3, 0, 1)));
        var max = MathF.Max(largest[0], largest[1]);
        var zero = max < Smallest;
        inverse = Vector128.Create(zero ? 0 : 127 / max);
        return zero ? 0 : max / 127;
    }

    /// <summary>16 codes; returns the sums of every fourth.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<int> Quantize16(float* x, Vector128<float> inverse, byte* codes)
    {
        var (a, b, c, d) = (Code(x, inverse), Code(x + 4, inverse), Code(x + 8, inverse), Code(x + 12, inverse));
        Vector128.Narrow(Vector128.Narrow(a, b), Vector128.Narrow(c, d)).Store((sbyte*)codes);
        return a + b + (c + d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<int> Code(float* x, Vector128<float> inverse)
    {
        var magic = Vector128.Create(12582912f); // 1.5 * 2^23: the sum's lowest bits are the nearest integer
        return (Vector128.Load(x) * inverse + magic).AsInt32() - magic.AsInt32();
    }

    /// <summary>Minus <paramref name="zero"/> times the sums of lanes 0, 1 and of lanes 2, 3, as two shorts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int Starts(Vector128<int> sums, int zero) => (ushort)(-zero * (sums[0] + sums[1])) | -zero * (sums[2] + sums[3]) << 16;
}
