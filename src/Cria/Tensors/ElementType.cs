namespace Cria.Tensors;

/// <summary>What one element of a stored tensor is. Little-endian everywhere.</summary>
public enum ElementType
{
    /// <summary>IEEE 754 single.</summary>
    F32,
    /// <summary>IEEE 754 half.</summary>
    F16,
    /// <summary>The upper half of an IEEE 754 single.</summary>
    BF16,
    /// <summary>IEEE 754 double.</summary>
    F64,
    /// <summary>Signed, 8 bytes.</summary>
    I64,
    /// <summary>Signed, 4 bytes.</summary>
    I32,
    /// <summary>Signed, 2 bytes.</summary>
    I16,
    /// <summary>Signed, 1 byte.</summary>
    I8,
    /// <summary>Unsigned, 8 bytes.</summary>
    U64,
    /// <summary>Unsigned, 4 bytes.</summary>
    U32,
    /// <summary>Unsigned, 2 bytes.</summary>
    U16,
    /// <summary>Unsigned, 1 byte.</summary>
    U8,
    /// <summary>One byte, 0 or 1.</summary>
    Bool,
    /// <summary>8-bit float, 4 exponent bits, 3 mantissa bits.</summary>
    F8E4M3,
    /// <summary>8-bit float, 5 exponent bits, 2 mantissa bits.</summary>
    F8E5M2,

    // ggml's blocks (spec 4.4): 32 or, the K types and IQ4_XS, 256 elements of one row with shared scales.

    /// <summary>4 bits, one scale.</summary>
    Q4_0,
    /// <summary>4 bits, scale and minimum.</summary>
    Q4_1,
    /// <summary>5 bits, one scale.</summary>
    Q5_0,
    /// <summary>5 bits, scale and minimum.</summary>
    Q5_1,
    /// <summary>8 bits, one scale.</summary>
    Q8_0,
    /// <summary>2 bits, 4-bit scales and minima of 16 elements.</summary>
    Q2_K,
    /// <summary>3 bits, 6-bit scales of 16 elements.</summary>
    Q3_K,
    /// <summary>4 bits, 6-bit scales and minima of 32 elements.</summary>
    Q4_K,
    /// <summary>5 bits, 6-bit scales and minima of 32 elements.</summary>
    Q5_K,
    /// <summary>6 bits, 8-bit scales of 16 elements.</summary>
    Q6_K,
    /// <summary>4 bits into a table of 16 values, one scale.</summary>
    IQ4_NL,
    /// <summary>4 bits into the same table, 6-bit scales of 32 elements.</summary>
    IQ4_XS,
}

/// <summary>Sizes and names of element types.</summary>
public static class ElementTypes
{
    static readonly ElementType[] All = Enum.GetValues<ElementType>();

    /// <summary>Elements of one block: 1, 32 or 256. A row of a matrix is whole blocks.</summary>
    public static int BlockLength(this ElementType type) => type switch
    {
        >= ElementType.Q4_0 and <= ElementType.Q8_0 or ElementType.IQ4_NL => 32,
        >= ElementType.Q2_K => 256,
        _ => 1,
    };

    /// <summary>Bytes of one block.</summary>
    public static int BlockBytes(this ElementType type) => type switch
    {
        ElementType.F64 or ElementType.I64 or ElementType.U64 => 8,
        ElementType.F32 or ElementType.I32 or ElementType.U32 => 4,
        ElementType.F16 or ElementType.BF16 or ElementType.I16 or ElementType.U16 => 2,
        ElementType.Q4_0 or ElementType.IQ4_NL => 18,
        ElementType.Q4_1 => 20,
        ElementType.Q5_0 => 22,
        ElementType.Q5_1 => 24,
        ElementType.Q8_0 => 34,
        ElementType.Q2_K => 84,
        ElementType.Q3_K => 110,
        ElementType.Q4_K => 144,
        ElementType.Q5_K => 176,
        ElementType.Q6_K => 210,
        ElementType.IQ4_XS => 136,
        _ => 1,
    };

    /// <summary>Bytes of <paramref name="count"/> elements, whole blocks.</summary>
    public static long Bytes(this ElementType type, long count) => checked(count / type.BlockLength() * type.BlockBytes());

    /// <summary>The name as safetensors and ggml write it, such as `BF16`, `F8_E4M3` or `Q4_K`.</summary>
    public static string Name(this ElementType type) => type switch
    {
        ElementType.Bool => "BOOL",
        ElementType.F8E4M3 => "F8_E4M3",
        ElementType.F8E5M2 => "F8_E5M2",
        _ => type.ToString(),
    };

    /// <summary>The type of a name in a safetensors header, or null where there is none such: safetensors has no blocks.</summary>
    public static ElementType? FromSafetensorsName(string name)
    {
        foreach (var type in All)
            if (type.BlockLength() == 1 && type.Name() == name)
                return type;
        return null;
    }
}
