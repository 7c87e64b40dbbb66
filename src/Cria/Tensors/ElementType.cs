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
}

/// <summary>Sizes and names of element types.</summary>
public static class ElementTypes
{
    static readonly ElementType[] All = Enum.GetValues<ElementType>();

    /// <summary>Bytes of one element.</summary>
    public static int Size(this ElementType type) => type switch
    {
        ElementType.F64 or ElementType.I64 or ElementType.U64 => 8,
        ElementType.F32 or ElementType.I32 or ElementType.U32 => 4,
        ElementType.F16 or ElementType.BF16 or ElementType.I16 or ElementType.U16 => 2,
        _ => 1,
    };

    /// <summary>The name in a safetensors header, such as `BF16` or `F8_E4M3`.</summary>
    public static string SafetensorsName(this ElementType type) => type switch
    {
        ElementType.Bool => "BOOL",
        ElementType.F8E4M3 => "F8_E4M3",
        ElementType.F8E5M2 => "F8_E5M2",
        _ => type.ToString(),
    };

    /// <summary>The type of a name in a safetensors header, or null where there is none such.</summary>
    public static ElementType? FromSafetensorsName(string name)
    {
        foreach (var type in All)
            if (type.SafetensorsName() == name)
                return type;
        return null;
    }
}
