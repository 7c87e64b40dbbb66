using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels.Panels;

/// <summary>Codes of rows to their places in a panel.</summary>
static unsafe class Interleave
{
    /// <summary>
    /// The first <paramref name="count"/> words of four bytes of 16 rows, <paramref name="stride"/> bytes apart, word by word; whole
    /// quads of words are read.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Words(byte* rows, int stride, int count, byte* target)
    {
        if (!Avx2.IsSupported)
        {
            for (var i = 0; i < count; i++)
                for (var row = 0; row < PanelFormat.Rows; row++)
                    ((uint*)target)[PanelFormat.Rows * i + row] = ((uint*)(rows + row * stride))[i];
            return;
        }
        for (var half = 0; half < 2; half++, rows += 8 * stride, target += 32)
            for (var i = 0; i < count; i += 4)
            {
                var from = rows + 4 * i;
                var (a, b, c, d) = (Pair(from, 4 * stride), Pair(from + stride, 4 * stride), Pair(from + 2 * stride, 4 * stride), Pair(from + 3 * stride, 4 * stride));
                var (ab, cd) = (Avx2.UnpackLow(a, b).AsUInt64(), Avx2.UnpackLow(c, d).AsUInt64());
                Avx2.UnpackLow(ab, cd).Store((ulong*)(target + 64 * i));
                Avx2.UnpackHigh(ab, cd).Store((ulong*)(target + 64 * i + 64));
                (ab, cd) = (Avx2.UnpackHigh(a, b).AsUInt64(), Avx2.UnpackHigh(c, d).AsUInt64());
                Avx2.UnpackLow(ab, cd).Store((ulong*)(target + 64 * i + 128));
                if (count - i > 3)
                    Avx2.UnpackHigh(ab, cd).Store((ulong*)(target + 64 * i + 192));
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<uint> Pair(byte* row, int distance) => Vector256.Create(Vector128.Load((uint*)row), Vector128.Load((uint*)(row + distance)));

    /// <summary>
    /// 16 codes of 6 bits to 12 bytes: the lower 4 bits of the first 8 with those of the second above them, then the upper 2 bits of
    /// the four quads, those of the first lowest.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SixBits(byte* codes)
    {
        ulong first = ((ulong*)codes)[0], second = ((ulong*)codes)[1];
        var (a, b) = (first >> 4 & 0x03030303_03030303, second >> 4 & 0x03030303_03030303);
        ((ulong*)codes)[0] = first & 0x0F0F0F0F_0F0F0F0F | (second & 0x0F0F0F0F_0F0F0F0F) << 4;
        ((uint*)codes)[2] = (uint)a | (uint)(a >> 32) << 2 | (uint)b << 4 | (uint)(b >> 32) << 6;
    }
}
