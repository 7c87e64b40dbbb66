using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cria.Kernels.Blocks;

/// <summary>From codes to values, and the half floats that scale them.</summary>
static unsafe class Levels
{
    /// <summary>An F16 scale or minimum of a block.</summary>
    public static float ReadHalf(byte* p) => (float)BitConverter.UInt16BitsToHalf(Unsafe.ReadUnaligned<ushort>(p));

    /// <summary>The same to a block.</summary>
    public static void WriteHalf(byte* p, float x) => Unsafe.WriteUnaligned(p, (Half)ToHalf(x));

    /// <summary>Rounded to what F16 holds, at most its largest finite number.</summary>
    public static float ToHalf(float x) => Math.Clamp((float)(Half)x, (float)Half.MinValue, (float)Half.MaxValue);

    /// <summary>values = scale (codes − zero) − minimum; a multiple of 8 of them.</summary>
    public static void Scale(sbyte* codes, int count, int zero, float scale, float minimum, float* values)
    {
        for (var i = 0; i < count; i += 8)
        {
            var words = Vector128.WidenLower(Vector64.Load(codes + i).ToVector128Unsafe());
            var levels = Vector256.WidenLower(words.ToVector256Unsafe()) - Vector256.Create(zero);
            (Vector256.Create(scale) * Vector256.ConvertToSingle(levels) - Vector256.Create(minimum)).Store(values + i);
        }
    }

    /// <summary>A block of sub-blocks, each with a scale of its own: values = (d scales) (codes − zero).</summary>
    public static void Scale(sbyte* codes, int zero, float d, sbyte* scales, int subBlocks, float* values)
    {
        var length = 256 / subBlocks;
        for (var j = 0; j < subBlocks; j++)
            Scale(codes + j * length, length, zero, d * scales[j], 0, values + j * length);
    }

    /// <summary>The same with minima: values = (d scales) codes − (dmin minima).</summary>
    public static void Scale(byte* codes, float d, byte* scales, float dmin, byte* minima, int subBlocks, float* values)
    {
        var length = 256 / subBlocks;
        for (var j = 0; j < subBlocks; j++)
            Scale((sbyte*)codes + j * length, length, 0, d * scales[j], dmin * minima[j], values + j * length);
    }
}
