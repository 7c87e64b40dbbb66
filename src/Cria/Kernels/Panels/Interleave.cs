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
    public static void Words(byte* rows, nint stride, int count, byte* target)
    {
        if (Avx512F.IsSupported)
        {
            for (var i = 0; i < count; i += 4, rows += 16, target += 256)
            {
                var (a, b, c, d) = (Quad(rows, 4 * stride), Quad(rows + stride, 4 * stride), Quad(rows + 2 * stride, 4 * stride), Quad(rows + 3 * stride, 4 * stride));
                var (ab, cd) = (Avx512F.UnpackLow(a, b).AsUInt64(), Avx512F.UnpackLow(c, d).AsUInt64());
                Avx512F.UnpackLow(ab, cd).Store((ulong*)target);
                Avx512F.UnpackHigh(ab, cd).Store((ulong*)(target + 64));
                (ab, cd) = (Avx512F.UnpackHigh(a, b).AsUInt64(), Avx512F.UnpackHigh(c, d).AsUInt64());
                Avx512F.UnpackLow(ab, cd).Store((ulong*)(target + 128));
                if (count - i > 3)
                    Avx512F.UnpackHigh(ab, cd).Store((ulong*)(target + 192));
            }
            return;
        }
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

    /// <summary>The 16 bits that each of 16 rows begins with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Halves(byte* rows, nint stride, ushort* target)
    {
        for (var row = 0; row < PanelFormat.Rows; row += 4, rows += 4 * stride)
        {
            target[row] = *(ushort*)rows;
            target[row + 1] = *(ushort*)(rows + stride);
            target[row + 2] = *(ushort*)(rows + 2 * stride);
            target[row + 3] = *(ushort*)(rows + 3 * stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<uint> Quad(byte* row, nint distance) => Vector512.Create(Pair(row, distance), Pair(row + 2 * distance, distance));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<uint> Pair(byte* row, nint distance) => Vector256.Create(Vector128.Load((uint*)row), Vector128.Load((uint*)(row + distance)));

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
