using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels.Panels;

/// <summary>Half a panel in a vector: AVX2, the dot product of four bytes as <typeparamref name="D"/> does it.</summary>
readonly unsafe struct Panel256<D> : IPanelWidth<Vector256<int>> where D : struct, IDot256
{
    public static int Rows => 8;

    public static Vector256<int> Load(byte* p) => Vector256.Load((int*)p);

    public static void Store(Vector256<int> v, float* p) => v.Store((int*)p);

    public static Vector256<int> Broadcast(byte* p) => Vector256.Create(*(int*)p);

    public static Vector256<int> Bytes(byte value) => Vector256.Create(value).AsInt32();

    public static Vector256<int> Shorts(short value) => Vector256.Create(value).AsInt32();

    public static Vector256<int> And(Vector256<int> a, Vector256<int> b) => a & b;

    public static Vector256<int> Or(Vector256<int> a, Vector256<int> b) => a | b;

    public static Vector256<int> ShiftLeft(Vector256<int> v, int bits) => v << bits;

    public static Vector256<int> ShiftRight(Vector256<int> v, int bits) => v >>> bits;

    public static Vector256<int> MultiplyAddBytes(Vector256<int> unsigned, Vector256<int> signed) =>
        Avx2.MultiplyAddAdjacent(unsigned.AsByte(), signed.AsSByte()).AsInt32();

    public static Vector256<int> MultiplyAddShorts(Vector256<int> a, Vector256<int> b) => Avx2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());

    public static Vector256<int> AddShorts(Vector256<int> a, Vector256<int> b) => (a.AsInt16() + b.AsInt16()).AsInt32();

    public static Vector256<int> Add(Vector256<int> a, Vector256<int> b) => a + b;

    public static Vector256<int> Dot(Vector256<int> sum, Vector256<int> codes, Vector256<int> signed) => D.Dot(sum, codes, signed);

    public static Vector256<int> DotStart(byte* p) => D.Start(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> SpreadBytes(byte* p)
    {
        var wide = Avx2.ConvertToVector256Int32((sbyte*)p);
        return wide & Vector256.Create(0xFFFF) | wide << 16;
    }

    public static Vector256<int> WidenBytes(byte* p) => Avx2.ConvertToVector256Int16(p).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> WidenHalves(byte* p)
    {
        var moved = (Avx2.ConvertToVector256Int32((short*)p) << 13) & Vector256.Create(unchecked((int)0x8FFFE000));
        return (moved.AsSingle() * Vector256.Create(5.192296858534828e33f)).AsInt32();
    }

    public static Vector256<int> ToFloat(Vector256<int> ints) => Vector256.ConvertToSingle(ints).AsInt32();

    public static Vector256<int> Multiply(Vector256<int> a, Vector256<int> b) => (a.AsSingle() * b.AsSingle()).AsInt32();

    public static Vector256<int> MultiplyAdd(Vector256<int> a, Vector256<int> b, Vector256<int> c) =>
        Vector256.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsInt32();
}

/// <summary>The dot product of four bytes in 256 bits; <see cref="IPanelWidth{V}.Dot"/> and <see cref="IPanelWidth{V}.DotStart"/>.</summary>
unsafe interface IDot256
{
    static abstract Vector256<int> Dot(Vector256<int> sum, Vector256<int> codes, Vector256<int> signed);
    static abstract Vector256<int> Start(byte* p);
}

/// <summary>AVX-VNNI multiplies the codes as they are, unsigned; the start takes the 128 away.</summary>
readonly unsafe struct VnniDot : IDot256
{
    public static Vector256<int> Dot(Vector256<int> sum, Vector256<int> codes, Vector256<int> signed) =>
        AvxVnni.MultiplyWideningAndAdd(sum, codes.AsByte(), signed.AsSByte());

    public static Vector256<int> Start(byte* p) => Vector256.Create(*(int*)p);
}

/// <summary>|w| times x with the sign of w: at most 2 * 128 * 127 in a pair, which a short holds.</summary>
readonly unsafe struct SignDot : IDot256
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Dot(Vector256<int> sum, Vector256<int> codes, Vector256<int> signed)
    {
        var weights = (codes.AsByte() ^ Vector256.Create((byte)128)).AsSByte();
        var pairs = Avx2.MultiplyAddAdjacent(Avx2.Abs(weights), Avx2.Sign(signed.AsSByte(), weights));
        return sum + Avx2.MultiplyAddAdjacent(pairs, Vector256.Create((short)1));
    }

    public static Vector256<int> Start(byte* p) => Vector256<int>.Zero;
}
