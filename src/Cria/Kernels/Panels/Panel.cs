using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels.Panels;

/// <summary>Steps that the tiles of 4 and 6 bits share: sums of products in shorts.</summary>
static unsafe class Panel<W, V> where W : struct, IPanelWidth<V> where V : struct
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V sum, V codes, V x) => W.AddShorts(sum, W.MultiplyAddBytes(codes, x));

    /// <summary>The codes of a quad of two vectors of rows times the quad of one row of activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Feed(byte* x, V codes0, V codes1, ref V sum0, ref V sum1)
    {
        var quad = W.Broadcast(x);
        sum0 = Add(sum0, codes0, quad);
        sum1 = Add(sum1, codes1, quad);
    }
}

static unsafe class Panel
{
    const int Ahead = 8192;

    /// <summary>Asks for what follows <paramref name="p"/> in the panels at a distance.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* p)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(p + Ahead);
    }

    /// <summary>Asks for <paramref name="count"/> bytes that are needed later, and gives where they end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* PrefetchNext(byte* p, int count)
    {
        if (Sse.IsSupported)
            for (var i = 0; i < count; i += 64)
                Sse.Prefetch1(p + i);
        return p + count;
    }
}
