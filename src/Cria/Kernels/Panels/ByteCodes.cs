using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cria.Kernels.Panels;

static unsafe class ByteCodes
{
    /// <summary>Adds to codes, a multiple of 32 of them, modulo 256.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Raise(byte* codes, int count, byte by)
    {
        for (var i = 0; i < count; i += 32)
            (Vector256.Load(codes + i) + Vector256.Create(by)).Store(codes + i);
    }
}
