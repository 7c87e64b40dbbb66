using System.Buffers.Binary;

namespace Cria.Formats;

/// <summary>The types of GGUF metadata, by their numbers in the file.</summary>
enum GgufType
{
    U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64,
}

/// <summary>A metadata value where it lies in the mapped file: a scalar, a string, or <see cref="Count"/> elements of an array.</summary>
/// <param name="Type">Its type; of an array, that of its elements.</param>
/// <param name="IsArray">Whether it is an array.</param>
/// <param name="Data">The first byte of the scalar or of the elements (strings with their lengths before them).</param>
/// <param name="Count">Elements; 1 where it is no array.</param>
readonly unsafe record struct GgufValue(GgufType Type, bool IsArray, nint Data, long Count)
{
    /// <summary>Bytes of a scalar; 0 for strings and arrays.</summary>
    public static int Size(GgufType type) => type switch
    {
        GgufType.U8 or GgufType.I8 or GgufType.Bool => 1,
        GgufType.U16 or GgufType.I16 => 2,
        GgufType.U32 or GgufType.I32 or GgufType.F32 => 4,
        GgufType.U64 or GgufType.I64 or GgufType.F64 => 8,
        _ => 0,
    };

    /// <summary>An integer of any width, or null for another type or one beyond 63 bits.</summary>
    public long? Integer(long index = 0)
    {
        var at = Bytes(index);
        return Type switch
        {
            GgufType.U8 => at[0],
            GgufType.I8 => (sbyte)at[0],
            GgufType.U16 => BinaryPrimitives.ReadUInt16LittleEndian(at),
            GgufType.I16 => BinaryPrimitives.ReadInt16LittleEndian(at),
            GgufType.U32 => BinaryPrimitives.ReadUInt32LittleEndian(at),
            GgufType.I32 => BinaryPrimitives.ReadInt32LittleEndian(at),
            GgufType.U64 when BinaryPrimitives.ReadUInt64LittleEndian(at) is <= long.MaxValue and var wide => (long)wide,
            GgufType.I64 => BinaryPrimitives.ReadInt64LittleEndian(at),
            _ => null,
        };
    }

    /// <summary>A number, or null for another type.</summary>
    public double? Number() => Type switch
    {
        GgufType.F32 => BinaryPrimitives.ReadSingleLittleEndian(Bytes(0)),
        GgufType.F64 => BinaryPrimitives.ReadDoubleLittleEndian(Bytes(0)),
        _ => Integer(),
    };

    /// <summary>The UTF-8 bytes of a string that is no array.</summary>
    public ReadOnlySpan<byte> Text() => TextAt(Data);

    /// <summary>The bytes of the string at a place; the next string of an array begins behind them.</summary>
    public static ReadOnlySpan<byte> TextAt(nint at) =>
        new((void*)(at + 8), (int)BinaryPrimitives.ReadInt64LittleEndian(new ReadOnlySpan<byte>((void*)at, 8)));

    /// <summary>The string at a place that moves behind it.</summary>
    public static ReadOnlySpan<byte> NextText(scoped ref nint at)
    {
        var text = TextAt(at);
        at += 8 + text.Length;
        return text;
    }

    ReadOnlySpan<byte> Bytes(long index) => new((byte*)Data + index * Size(Type), Size(Type));
}
