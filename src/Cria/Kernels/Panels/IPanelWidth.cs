namespace Cria.Kernels.Panels;

/// <summary>
/// A vector width for integer dot products: <typeparamref name="V"/> is a vector of 32-bit lanes, each lane a row of a panel; a lane
/// holds four bytes of neighbouring columns, two shorts, an int or a float32, whichever the operation says. Every member is one to nine
/// instructions and is inlined; all widths give the same integers.
/// </summary>
unsafe interface IPanelWidth<V> where V : struct
{
    /// <summary>Lanes.</summary>
    static abstract int Rows { get; }

    static abstract V Load(byte* p);
    static abstract void Store(V v, float* p);

    /// <summary>The 32 bits at <paramref name="p"/> in all lanes.</summary>
    static abstract V Broadcast(byte* p);

    static abstract V Bytes(byte value);
    static abstract V Shorts(short value);
    static abstract V And(V a, V b);
    static abstract V Or(V a, V b);
    static abstract V ShiftLeft(V v, int bits);
    static abstract V ShiftRight(V v, int bits);

    /// <summary>Sums of two neighbouring products of unsigned bytes, at most 63, with signed ones: shorts.</summary>
    static abstract V MultiplyAddBytes(V unsigned, V signed);

    /// <summary>Sums of two neighbouring products of shorts: ints.</summary>
    static abstract V MultiplyAddShorts(V a, V b);

    static abstract V AddShorts(V a, V b);
    static abstract V Add(V a, V b);

    /// <summary>
    /// <paramref name="sum"/> and the four products of (codes − 128) with signed bytes above −128, given that every sum begins with
    /// <see cref="DotStart"/>.
    /// </summary>
    static abstract V Dot(V sum, V codes, V signed);

    /// <summary>What a sum of <see cref="Dot"/> begins with; −128 times the sum of all the signed bytes is at <paramref name="p"/>.</summary>
    static abstract V DotStart(byte* p);

    /// <summary>Signed bytes, one a lane, in both shorts of the lane.</summary>
    static abstract V SpreadBytes(byte* p);

    /// <summary>Unsigned bytes, two a lane, as shorts.</summary>
    static abstract V WidenBytes(byte* p);

    /// <summary>Finite F16 values, one a lane, as float32.</summary>
    static abstract V WidenHalves(byte* p);

    static abstract V ToFloat(V ints);
    static abstract V Multiply(V a, V b);

    /// <summary>a * b + c in float32, rounded once.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);
}
