using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Cria.Kernels;

/// <summary>256-bit vectors.</summary>
readonly unsafe struct Width256 : IWidth<Vector256<float>>
{
    public static int Count => 8;

    public static bool ManyRegisters => Vector512.IsHardwareAccelerated || AdvSimd.IsSupported;

    public static Vector256<float> Load(float* p) => Vector256.Load(p);

    public static void Store(Vector256<float> v, float* p) => v.Store(p);

    public static Vector256<float> Broadcast(float x) => Vector256.Create(x);

    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Vector256.MinNative(a, b);

    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> v) => Width128.Sum(v.GetLower() + v.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HorizontalMax(Vector256<float> v) => Width128.HorizontalMax(Vector128.MaxNative(v.GetLower(), v.GetUpper()));

    public static bool AnyGreater(Vector256<float> a, Vector256<float> b) => Vector256.GreaterThanAny(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Round(Vector256<float> x)
    {
        var magic = Vector256.Create(12582912f); // 1.5 * 2^23: the sum has no fraction bits left
        return x + magic - magic;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> PowerOfTwo(Vector256<float> n) => ((Vector256.ConvertToInt32(n) + Vector256.Create(127)) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp2(Vector256<float> x)
    {
        var clamped = Vector256.MaxNative(Vector256.Create(-125f), x);
        var shifted = clamped + Vector256.Create(12582912f); // 1.5 * 2^23: the integer nearest x is in the lowest bits
        var r = clamped - (shifted - Vector256.Create(12582912f));
        var p = Vector256.FusedMultiplyAdd(r, Vector256.Create(1.3276472e-3f), Vector256.Create(9.675541e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(5.550713e-2f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(0.2402212f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(0.69314694f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1f));
        return (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> First(int count, Vector256<float> v, Vector256<float> other) =>
        Vector256.ConditionalSelect(Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle(), v, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> RoundToBF16(Vector256<float> v)
    {
        var bits = v.AsUInt32();
        var rounded = (bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256.Create(1u))) & Vector256.Create(0xFFFF0000u);
        return Vector256.ConditionalSelect(Vector256.Equals(v, v), rounded.AsSingle(), v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadDeinterleaved(float* p, out Vector256<float> even, out Vector256<float> odd)
    {
        var a = Vector256.Load((ulong*)p);
        var b = Vector256.Load((ulong*)(p + Count));
        even = Vector256.Narrow(a, b).AsSingle();
        odd = Vector256.Narrow(a >> 32, b >> 32).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPairsBF16(byte* p, out Vector256<float> even, out Vector256<float> odd)
    {
        var pairs = Vector256.Load((uint*)p);
        even = (pairs << 16).AsSingle();
        odd = (pairs & Vector256.Create(0xFFFF0000u)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MovePairsF16(byte* p, out Vector256<float> even, out Vector256<float> odd)
    {
        var pairs = Vector256.Load((int*)p);
        var mask = Vector256.Create(unchecked((int)0x8FFFE000));
        even = (((pairs << 16) >> 3) & mask).AsSingle();
        odd = ((pairs >> 3) & mask).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WidenBF16(ushort* p) => (Vector256.WidenLower(Vector128.Load(p).ToVector256Unsafe()) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WidenF16(ushort* p) => FromHighHalf((Vector256.WidenLower(Vector128.Load(p).ToVector256Unsafe()) << 16).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MoveF16(ushort* p) =>
        ((Vector256.WidenLower(Vector128.Load((short*)p).ToVector256Unsafe()) << 13) & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WidenI8(sbyte* p) => Vector256.ConvertToSingle(Vector256.WidenLower(Vector256.WidenLower(Vector64.Load(p).ToVector128Unsafe().ToVector256Unsafe())));

    /// <summary>
    /// The F16 in the upper half of each lane: sign, exponent and fraction moved to their float32 places, then times 2^112, the
    /// difference of the exponent biases, which also normalises subnormals; an exponent of all ones stays all ones.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<float> FromHighHalf(Vector256<int> bits)
    {
        var moved = (bits >> 3) & Vector256.Create(unchecked((int)0x8FFFE000));
        var value = moved.AsSingle() * Vector256.Create(5.192296858534828e33f);
        var exponent = Vector256.Create(0x0F800000);
        var special = Vector256.Equals(moved & exponent, exponent) & Vector256.Create(0x7F800000);
        return (value.AsInt32() | special).AsSingle();
    }
}
