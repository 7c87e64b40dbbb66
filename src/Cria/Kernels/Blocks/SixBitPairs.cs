using System.Runtime.CompilerServices;

namespace Cria.Kernels.Blocks;

/// <summary>
/// Eight scales and eight minima of 6 bits in 12 bytes (Q4_K, Q5_K): bytes 0 to 3 hold scales 0 to 3 and above them the upper 2 bits
/// of scales 4 to 7; bytes 4 to 7 hold the minima likewise; bytes 8 to 11 the lower 4 bits of scales and minima 4 to 7.
/// </summary>
static unsafe class SixBitPairs
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* packed, byte* scales, byte* minima)
    {
        for (var k = 0; k < 4; k++)
        {
            scales[k] = (byte)(packed[k] & 63);
            minima[k] = (byte)(packed[k + 4] & 63);
            scales[k + 4] = (byte)(packed[k + 8] & 15 | packed[k] >> 6 << 4);
            minima[k + 4] = (byte)(packed[k + 8] >> 4 | packed[k + 4] >> 6 << 4);
        }
    }

    public static void Pack(byte* scales, byte* minima, byte* packed)
    {
        for (var k = 0; k < 4; k++)
        {
            packed[k] = (byte)(scales[k] | scales[k + 4] >> 4 << 6);
            packed[k + 4] = (byte)(minima[k] | minima[k + 4] >> 4 << 6);
            packed[k + 8] = (byte)(scales[k + 4] & 15 | minima[k + 4] << 4);
        }
    }
}
