using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cria.Kernels.Panels;

/// <summary>Codes of one row to their places in a panel.</summary>
static unsafe class Interleave
{
    /// <summary>Words of four bytes to every sixteenth.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Words(byte* words, int count, byte* target)
    {
        for (var i = 0; i < count; i++)
            ((uint*)target)[PanelFormat.Rows * i] = ((uint*)words)[i];
    }

    /// <summary>32 codes of 4 bits to 16 bytes: each of the first half with its counterpart of the second above it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Nibbles(byte* codes) => (Vector128.Load(codes) | Vector128.Load(codes + 16) << 4).Store(codes);

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
