namespace Cria.Kernels;

/// <summary>
/// A vector width: <typeparamref name="V"/> is its vector of float32. Kernels are written once against this and instantiated for 512,
/// 256 and 128 bits; every member is one to six instructions and is inlined.
/// </summary>
unsafe interface IWidth<V> where V : struct
{
    /// <summary>Lanes.</summary>
    static abstract int Count { get; }

    /// <summary>Whether there are 32 vector registers, room for tiles with 24 accumulators.</summary>
    static abstract bool ManyRegisters { get; }

    static abstract V Load(float* p);
    static abstract void Store(V v, float* p);
    static abstract V Broadcast(float x);
    static abstract V Add(V a, V b);
    static abstract V Subtract(V a, V b);
    static abstract V Multiply(V a, V b);
    static abstract V Divide(V a, V b);
    static abstract V Min(V a, V b);
    static abstract V Max(V a, V b);

    /// <summary>a * b + c, rounded once.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    /// <summary>The sum over the lanes, always in the same order.</summary>
    static abstract float Sum(V v);

    static abstract float HorizontalMax(V v);

    /// <summary>Whether any lane of <paramref name="a"/> is greater than that of <paramref name="b"/>.</summary>
    static abstract bool AnyGreater(V a, V b);

    /// <summary>To the nearest integer, ties to even; |x| below 2^22.</summary>
    static abstract V Round(V x);

    /// <summary>2^n for integers n in [-126, 127].</summary>
    static abstract V PowerOfTwo(V n);

    /// <summary>2^x within 4 units in the last place for x in [-125, 127], 2^-125 below.</summary>
    static abstract V Exp2(V x);

    /// <summary>The first <paramref name="count"/> lanes of <paramref name="v"/>, and <paramref name="other"/> in the rest.</summary>
    static abstract V First(int count, V v, V other);

    /// <summary>To the nearest BF16, ties to even.</summary>
    static abstract V RoundToBF16(V v);

    /// <summary>2 Count values, those with even index and those with odd index apart.</summary>
    static abstract void LoadDeinterleaved(float* p, out V even, out V odd);

    /// <summary>2 Count BF16 values, those with even index and those with odd index apart: one load, one shift, one mask.</summary>
    static abstract void LoadPairsBF16(byte* p, out V even, out V odd);

    /// <summary>2 Count F16 values as <see cref="MoveF16"/> gives them, those with even index and those with odd index apart.</summary>
    static abstract void MovePairsF16(byte* p, out V even, out V odd);

    static abstract V WidenBF16(ushort* p);
    static abstract V WidenF16(ushort* p);
    /// <summary>F16 values times 2^-112: sign, exponent and fraction moved to their float32 places. Infinities become 2^-96.</summary>
    static abstract V MoveF16(ushort* p);

    static abstract V WidenI8(sbyte* p);
}
