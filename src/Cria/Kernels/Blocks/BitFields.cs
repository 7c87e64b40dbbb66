using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cria.Kernels.Blocks;

/// <summary>
/// The one order in which blocks hold small fields: in a run of `width` bytes the lowest `bits` of each byte are the first `width`
/// fields, the next higher bits the next `width`, and so on until the bytes are full; then comes the next run. With a width of 1 that
/// is the bits from the lowest to the highest. Codes wider than their field are parted: a second plane holds the bits from `at` on.
/// </summary>
static unsafe class BitFields
{
    /// <summary>Fields to one code a byte. With <paramref name="at"/> above 0 they are added to the lower bits that are there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* plane, int width, int bits, byte* codes, int count, int at = 0)
    {
        var mask = (byte)((1 << bits) - 1);
        for (var end = codes + count; codes < end; plane += width)
        {
            for (var shift = 0; shift < 8; shift += bits, codes += width)
            {
                var i = 0;
                for (; i <= width - 16; i += 16)
                {
                    var fields = ((Vector128.Load(plane + i) >> shift) & Vector128.Create(mask)) << at;
                    (at == 0 ? fields : fields | Vector128.Load(codes + i)).Store(codes + i);
                }
                for (; i < width; i++)
                    codes[i] = (byte)((plane[i] >> shift & mask) << at | (at == 0 ? 0 : codes[i]));
            }
        }
    }

    /// <summary>The inverse of <see cref="Unpack"/>: the bits of the codes from <paramref name="at"/> on to fields.</summary>
    public static void Pack(byte* codes, int count, byte* plane, int width, int bits, int at = 0)
    {
        var mask = (1 << bits) - 1;
        for (var end = codes + count; codes < end; plane += width)
            for (var shift = 0; shift < 8; shift += bits, codes += width)
                for (var i = 0; i < width; i++)
                    plane[i] = (byte)((codes[i] >> at & mask) << shift | (shift == 0 ? 0 : plane[i]));
    }
}
