using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Cria.Kernels;

/// <summary>128-bit vectors.</summary>
readonly unsafe struct Width128 : IWidth<Vector128<float>>
{
    public static int Count => 4;

    public static bool ManyRegisters => Vector512.IsHardwareAccelerated || AdvSimd.IsSupported;

    public static Vector128<float> Load(float* p) => Vector128.Load(p);

    public static void Store(Vector128<float> v, float* p) => v.Store(p);

    public static Vector128<float> Broadcast(float x) => Vector128.Create(x);

    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    public static Vector128<float> Divide(Vector128<float> a, Vector128<float> b) => a / b;

    public static Vector128<float> Min(Vector128<float> a, Vector128<float> b) => Vector128.MinNative(a, b);

    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> v)
    {
        v += Vector128.Shuffle(v, Vector128.Create(2, 3, 0, 1));
        return v[0] + v[1];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HorizontalMax(Vector128<float> v)
    {
        v = Vector128.MaxNative(v, Vector128.Shuffle(v, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(v[0], v[1]);
    }

    public static bool AnyGreater(Vector128<float> a, Vector128<float> b) => Vector128.GreaterThanAny(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Round(Vector128<float> x)
    {
        var magic = Vector128.Create(12582912f); // 1.5 * 2^23: the sum has no fraction bits left
        return x + magic - magic;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> PowerOfTwo(Vector128<float> n) => ((Vector128.ConvertToInt32(n) + Vector128.Create(127)) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Exp2(Vector128<float> x)
    {
        var clamped = Vector128.MaxNative(Vector128.Create(-125f), x);
        var shifted = clamped + Vector128.Create(12582912f); // 1.5 * 2^23: the integer nearest x is in the lowest bits
        var r = clamped - (shifted - Vector128.Create(12582912f));
        var p = Vector128.FusedMultiplyAdd(r, Vector128.Create(1.3276472e-3f), Vector128.Create(9.675541e-3f));
        p = Vector128.FusedMultiplyAdd(p, r, Vector128.Create(5.550713e-2f));
        p = Vector128.FusedMultiplyAdd(p, r, Vector128.Create(0.2402212f));
        p = Vector128.FusedMultiplyAdd(p, r, Vector128.Create(0.69314694f));
        p = Vector128.FusedMultiplyAdd(p, r, Vector128.Create(1f));
        return (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> First(int count, Vector128<float> v, Vector128<float> other) =>
        Vector128.ConditionalSelect(Vector128.LessThan(Vector128<int>.Indices, Vector128.Create(count)).AsSingle(), v, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> RoundToBF16(Vector128<float> v)
    {
        var bits = v.AsUInt32();
        var rounded = (bits + Vector128.Create(0x7FFFu) + ((bits >> 16) & Vector128.Create(1u))) & Vector128.Create(0xFFFF0000u);
        return Vector128.ConditionalSelect(Vector128.Equals(v, v), rounded.AsSingle(), v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadDeinterleaved(float* p, out Vector128<float> even, out Vector128<float> odd)
    {
        var a = Vector128.Load((ulong*)p);
        var b = Vector128.Load((ulong*)(p + Count));
        even = Vector128.Narrow(a, b).AsSingle();
        odd = Vector128.Narrow(a >> 32, b >> 32).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPairsBF16(byte* p, out Vector128<float> even, out Vector128<float> odd)
    {
        var pairs = Vector128.Load((uint*)p);
        even = (pairs << 16).AsSingle();
        odd = (pairs & Vector128.Create(0xFFFF0000u)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MovePairsF16(byte* p, out Vector128<float> even, out Vector128<float> odd)
    {
        var pairs = Vector128.Load((int*)p);
        var mask = Vector128.Create(unchecked((int)0x8FFFE000));
        even = (((pairs << 16) >> 3) & mask).AsSingle();
        odd = ((pairs >> 3) & mask).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> WidenBF16(ushort* p) => (Vector128.WidenLower(Vector64.Load(p).ToVector128Unsafe()) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> WidenF16(ushort* p) => FromHighHalf((Vector128.WidenLower(Vector64.Load(p).ToVector128Unsafe()) << 16).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MoveF16(ushort* p) =>
        ((Vector128.WidenLower(Vector64.Load((short*)p).ToVector128Unsafe()) << 13) & Vector128.Create(unchecked((int)0x8FFFE000))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> WidenI8(sbyte* p) => Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(int*)p).AsSByte())));

    /// <summary>
    /// The F16 in the upper half of each lane: sign, exponent and fraction moved to their float32 places, then times 2^112, the
    /// difference of the exponent biases, which also normalises subnormals; an exponent of all ones stays all ones.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> FromHighHalf(Vector128<int> bits)
    {
        var moved = (bits >> 3) & Vector128.Create(unchecked((int)0x8FFFE000));
        var value = moved.AsSingle() * Vector128.Create(5.192296858534828e33f);
        var exponent = Vector128.Create(0x0F800000);
        var special = Vector128.Equals(moved & exponent, exponent) & Vector128.Create(0x7F800000);
        return (value.AsInt32() | special).AsSingle();
    }
}
