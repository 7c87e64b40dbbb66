using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Kernels.Panels;

/// <summary>A block holds its nibbles in pairs as the panel does.</summary>
readonly unsafe struct Q4_0Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q4_0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes, byte* scale, ushort* minimum)
    {
        *(ushort*)scale = *(ushort*)block;
        Vector128.Load(block + 2).Store(codes);
    }
}

readonly unsafe struct Q4_1Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q4_1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes, byte* scale, ushort* minimum)
    {
        (*(ushort*)scale, *minimum) = (((ushort*)block)[0], ((ushort*)block)[1]);
        Vector128.Load(block + 4).Store(codes);
    }
}

/// <summary>Five bits about 16, as signed bytes.</summary>
readonly unsafe struct Q5_0Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q5_0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes, byte* scale, ushort* minimum)
    {
        *(ushort*)scale = *(ushort*)block;
        BitFields.Unpack(block + 6, 16, 4, codes, 32);
        BitFields.Unpack(block + 2, 1, 1, codes, 32, at: 4);
        ByteCodes.Raise(codes, 32, 128 - 16);
    }
}

readonly unsafe struct Q5_1Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q5_1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes, byte* scale, ushort* minimum)
    {
        (*(ushort*)scale, *minimum) = (((ushort*)block)[0], ((ushort*)block)[1]);
        BitFields.Unpack(block + 8, 16, 4, codes, 32);
        BitFields.Unpack(block + 4, 1, 1, codes, 32, at: 4);
        ByteCodes.Raise(codes, 32, 128);
    }
}

readonly unsafe struct Q8_0Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q8_0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes, byte* scale, ushort* minimum)
    {
        *(ushort*)scale = *(ushort*)block;
        Vector256.Load(block + 2).Store(codes);
        ByteCodes.Raise(codes, 32, 128);
    }
}

/// <summary>Levels out of the table, signed bytes.</summary>
readonly unsafe struct IQ4_NLCodes : IBlockSource
{
    public static ElementType Type => ElementType.IQ4_NL;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes, byte* scale, ushort* minimum)
    {
        *(ushort*)scale = *(ushort*)block;
        IQ4_NL.UnpackLevels(block + 2, (sbyte*)codes, 32);
        ByteCodes.Raise(codes, 32, 128);
    }
}

/// <summary>Levels out of the same table; the scale of 32 is the product of the two that a block of 256 has.</summary>
readonly unsafe struct IQ4_XSCodes : IBlockSource
{
    public static ElementType Type => ElementType.IQ4_XS;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes, byte* scale, ushort* minimum)
    {
        *(float*)scale = Levels.ReadHalf(block) * IQ4_XS.Scale(block, part);
        IQ4_NL.UnpackLevels(block + 8 + 16 * part, (sbyte*)codes, 32);
        ByteCodes.Raise(codes, 32, 128);
    }
}
