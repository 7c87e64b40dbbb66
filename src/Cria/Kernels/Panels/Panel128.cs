using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Cria.Kernels.Panels;

/// <summary>A quarter of a panel in a vector, in operations that every processor has: bytes are parted into even and odd ones.</summary>
readonly unsafe struct Panel128 : IPanelWidth<Vector128<int>>
{
    public static int Rows => 4;

    public static Vector128<int> Load(byte* p) => Vector128.Load((int*)p);

    public static void Store(Vector128<int> v, float* p) => v.Store((int*)p);

    public static Vector128<int> Broadcast(byte* p) => Vector128.Create(*(int*)p);

    public static Vector128<int> Bytes(byte value) => Vector128.Create(value).AsInt32();

    public static Vector128<int> Shorts(short value) => Vector128.Create(value).AsInt32();

    public static Vector128<int> And(Vector128<int> a, Vector128<int> b) => a & b;

    public static Vector128<int> Or(Vector128<int> a, Vector128<int> b) => a | b;

    public static Vector128<int> ShiftLeft(Vector128<int> v, int bits) => v << bits;

    public static Vector128<int> ShiftRight(Vector128<int> v, int bits) => v >>> bits;

    /// <summary>Codes of 6 bits have the same value as signed bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAddBytes(Vector128<int> unsigned, Vector128<int> signed)
    {
        var (a, b) = (unsigned.AsInt16(), signed.AsInt16());
        return ((a << 8 >> 8) * (b << 8 >> 8) + (a >> 8) * (b >> 8)).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAddShorts(Vector128<int> a, Vector128<int> b) => (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);

    public static Vector128<int> AddShorts(Vector128<int> a, Vector128<int> b) => (a.AsInt16() + b.AsInt16()).AsInt32();

    public static Vector128<int> Add(Vector128<int> a, Vector128<int> b) => a + b;

    /// <summary>Without a dot product in the processor, a pair of products is at most 2 * 128 * 127, which a short holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Dot(Vector128<int> sum, Vector128<int> codes, Vector128<int> signed)
    {
        var weights = codes.AsByte() ^ Vector128.Create((byte)128);
        if (Dp.IsSupported)
            return Dp.DotProduct(sum, weights.AsSByte(), signed.AsSByte());
        var pairs = MultiplyAddBytes(weights.AsInt32(), signed);
        return sum + (pairs << 16 >> 16) + (pairs >> 16);
    }

    public static Vector128<int> DotStart(byte* p) => Vector128<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> SpreadBytes(byte* p)
    {
        var wide = Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(int*)p).AsSByte()));
        return wide & Vector128.Create(0xFFFF) | wide << 16;
    }

    public static Vector128<int> WidenBytes(byte* p) => Vector128.WidenLower(Vector64.Load(p).ToVector128Unsafe()).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> WidenHalves(byte* p) => Width128.WidenF16((ushort*)p).AsInt32();

    public static Vector128<int> ToFloat(Vector128<int> ints) => Vector128.ConvertToSingle(ints).AsInt32();

    public static Vector128<int> Multiply(Vector128<int> a, Vector128<int> b) => (a.AsSingle() * b.AsSingle()).AsInt32();

    public static Vector128<int> MultiplyAdd(Vector128<int> a, Vector128<int> b, Vector128<int> c) =>
        Vector128.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).AsInt32();
}
