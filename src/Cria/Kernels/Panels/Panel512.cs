using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels.Panels;

/// <summary>A whole panel of 16 rows in a vector: AVX-512 with byte and word operations.</summary>
readonly unsafe struct Panel512 : IPanelWidth<Vector512<int>>
{
    public static int Rows => 16;

    public static Vector512<int> Load(byte* p) => Vector512.Load((int*)p);

    public static void Store(Vector512<int> v, float* p) => v.Store((int*)p);

    public static Vector512<int> Broadcast(byte* p) => Vector512.Create(*(int*)p);

    public static Vector512<int> Bytes(byte value) => Vector512.Create(value).AsInt32();

    public static Vector512<int> Shorts(short value) => Vector512.Create(value).AsInt32();

    public static Vector512<int> And(Vector512<int> a, Vector512<int> b) => a & b;

    public static Vector512<int> Or(Vector512<int> a, Vector512<int> b) => a | b;

    public static Vector512<int> ShiftLeft(Vector512<int> v, int bits) => v << bits;

    public static Vector512<int> ShiftRight(Vector512<int> v, int bits) => v >>> bits;

    public static Vector512<int> MultiplyAddBytes(Vector512<int> unsigned, Vector512<int> signed) =>
        Avx512BW.MultiplyAddAdjacent(unsigned.AsByte(), signed.AsSByte()).AsInt32();

    public static Vector512<int> MultiplyAddShorts(Vector512<int> a, Vector512<int> b) => Avx512BW.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());

    public static Vector512<int> AddShorts(Vector512<int> a, Vector512<int> b) => (a.AsInt16() + b.AsInt16()).AsInt32();

    public static Vector512<int> Add(Vector512<int> a, Vector512<int> b) => a + b;

    /// <summary>There is no intrinsic for 512-bit VNNI: |w| times x with the sign of w, then two steps of pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dot(Vector512<int> sum, Vector512<int> codes, Vector512<int> signed)
    {
        var weights = (codes.AsByte() ^ Vector512.Create((byte)128)).AsSByte();
        var negative = Vector512.LessThan(weights, Vector512<sbyte>.Zero);
        var moved = (signed.AsSByte() ^ negative) - negative;
        var pairs = Avx512BW.MultiplyAddAdjacent(Avx512BW.Abs(weights), moved);
        return sum + Avx512BW.MultiplyAddAdjacent(pairs, Vector512.Create((short)1));
    }

    public static Vector512<int> DotStart(byte* p) => Vector512<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> SpreadBytes(byte* p)
    {
        var wide = Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)p));
        return wide & Vector512.Create(0xFFFF) | wide << 16;
    }

    public static Vector512<int> WidenBytes(byte* p) => Avx512BW.ConvertToVector512Int16(Vector256.Load(p)).AsInt32();

    /// <summary>The bits moved to their places in a float32, then times 2^112, the difference of the biases, which also normalises subnormals.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> WidenHalves(byte* p)
    {
        var moved = (Avx512F.ConvertToVector512Int32(Vector256.Load((short*)p)) << 13) & Vector512.Create(unchecked((int)0x8FFFE000));
        return (moved.AsSingle() * Vector512.Create(5.192296858534828e33f)).AsInt32();
    }

    public static Vector512<int> ToFloat(Vector512<int> ints) => Vector512.ConvertToSingle(ints).AsInt32();

    public static Vector512<int> Multiply(Vector512<int> a, Vector512<int> b) => (a.AsSingle() * b.AsSingle()).AsInt32();

    public static Vector512<int> MultiplyAdd(Vector512<int> a, Vector512<int> b, Vector512<int> c) =>
        Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsInt32();
}
