using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels;

/// <summary>512-bit vectors.</summary>
readonly unsafe struct Width512 : IWidth<Vector512<float>>
{
    public static int Count => 16;

    public static bool ManyRegisters => Vector512.IsHardwareAccelerated || AdvSimd.IsSupported;

    public static Vector512<float> Load(float* p) => Vector512.Load(p);

    public static void Store(Vector512<float> v, float* p) => v.Store(p);

    public static Vector512<float> Broadcast(float x) => Vector512.Create(x);

    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Vector512.MinNative(a, b);

    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> v) => Width256.Sum(v.GetLower() + v.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HorizontalMax(Vector512<float> v) => Width256.HorizontalMax(Vector256.MaxNative(v.GetLower(), v.GetUpper()));

    public static bool AnyGreater(Vector512<float> a, Vector512<float> b) => Vector512.GreaterThanAny(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> x)
    {
        var magic = Vector512.Create(12582912f); // 1.5 * 2^23: the sum has no fraction bits left
        return x + magic - magic;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> PowerOfTwo(Vector512<float> n) => ((Vector512.ConvertToInt32(n) + Vector512.Create(127)) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp2(Vector512<float> x)
    {
        var clamped = Vector512.MaxNative(Vector512.Create(-125f), x);
        var shifted = clamped + Vector512.Create(12582912f); // 1.5 * 2^23: the integer nearest x is in the lowest bits
        var r = clamped - (shifted - Vector512.Create(12582912f));
        var p = Vector512.FusedMultiplyAdd(r, Vector512.Create(1.3276472e-3f), Vector512.Create(9.675541e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.550713e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.2402212f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.69314694f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1f));
        return (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> First(int count, Vector512<float> v, Vector512<float> other) =>
        Vector512.ConditionalSelect(Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle(), v, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> RoundToBF16(Vector512<float> v)
    {
        var bits = v.AsUInt32();
        var rounded = (bits + Vector512.Create(0x7FFFu) + ((bits >> 16) & Vector512.Create(1u))) & Vector512.Create(0xFFFF0000u);
        return Vector512.ConditionalSelect(Vector512.Equals(v, v), rounded.AsSingle(), v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadDeinterleaved(float* p, out Vector512<float> even, out Vector512<float> odd)
    {
        var a = Vector512.Load((ulong*)p);
        var b = Vector512.Load((ulong*)(p + Count));
        even = Vector512.Narrow(a, b).AsSingle();
        odd = Vector512.Narrow(a >> 32, b >> 32).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPairsBF16(byte* p, out Vector512<float> even, out Vector512<float> odd)
    {
        var pairs = Vector512.Load((uint*)p);
        even = (pairs << 16).AsSingle();
        odd = (pairs & Vector512.Create(0xFFFF0000u)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MovePairsF16(byte* p, out Vector512<float> even, out Vector512<float> odd)
    {
        var pairs = Vector512.Load((int*)p);
        var mask = Vector512.Create(unchecked((int)0x8FFFE000));
        even = (((pairs << 16) >> 3) & mask).AsSingle();
        odd = ((pairs >> 3) & mask).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WidenBF16(ushort* p) => (Vector512.WidenLower(Vector256.Load(p).ToVector512Unsafe()) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WidenF16(ushort* p) => FromHighHalf((Vector512.WidenLower(Vector256.Load(p).ToVector512Unsafe()) << 16).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MoveF16(ushort* p) =>
        ((Vector512.WidenLower(Vector256.Load((short*)p).ToVector512Unsafe()) << 13) & Vector512.Create(unchecked((int)0x8FFFE000))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WidenI8(sbyte* p) =>
        Vector512.ConvertToSingle(Avx512F.IsSupported ? Avx512F.ConvertToVector512Int32(Vector128.Load(p))
            : Vector512.WidenLower(Vector512.WidenLower(Vector128.Load(p).ToVector256Unsafe().ToVector512Unsafe())));

    /// <summary>
    /// The F16 in the upper half of each lane: sign, exponent and fraction moved to their float32 places, then times 2^112, the
    /// difference of the exponent biases, which also normalises subnormals; an exponent of all ones stays all ones.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> FromHighHalf(Vector512<int> bits)
    {
        var moved = (bits >> 3) & Vector512.Create(unchecked((int)0x8FFFE000));
        var value = moved.AsSingle() * Vector512.Create(5.192296858534828e33f);
        var exponent = Vector512.Create(0x0F800000);
        var special = Vector512.Equals(moved & exponent, exponent) & Vector512.Create(0x7F800000);
        return (value.AsInt32() | special).AsSingle();
    }
}
