using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Kernels.Panels;

/// <summary>A block holds its nibbles in pairs as the panel does.</summary>
readonly unsafe struct Q4_0Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q4_0;

    public static int CodesAt => 2;

    public static void Unpack(byte* block, int part, byte* codes) => Vector128.Load(block + 2).Store(codes);
}

readonly unsafe struct Q4_1Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q4_1;

    public static int CodesAt => 4;

    public static void Unpack(byte* block, int part, byte* codes) => Vector128.Load(block + 4).Store(codes);
}

/// <summary>Five bits about 16, as signed bytes.</summary>
readonly unsafe struct Q5_0Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q5_0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes)
    {
        BitFields.Unpack(block + 6, 16, 4, codes, 32);
        BitFields.Unpack(block + 2, 1, 1, codes, 32, at: 4);
        ByteCodes.Raise(codes, 32, 128 - 16);
    }
}

readonly unsafe struct Q5_1Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q5_1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes)
    {
        BitFields.Unpack(block + 8, 16, 4, codes, 32);
        BitFields.Unpack(block + 4, 1, 1, codes, 32, at: 4);
        ByteCodes.Raise(codes, 32, 128);
    }
}

readonly unsafe struct Q8_0Codes : IBlockSource
{
    public static ElementType Type => ElementType.Q8_0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes)
    {
        Vector256.Load(block + 2).Store(codes);
        ByteCodes.Raise(codes, 32, 128);
    }
}

/// <summary>Levels out of the table, signed bytes.</summary>
readonly unsafe struct IQ4_NLCodes : IBlockSource
{
    public static ElementType Type => ElementType.IQ4_NL;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes)
    {
        IQ4_NL.UnpackLevels(block + 2, (sbyte*)codes, 32);
        ByteCodes.Raise(codes, 32, 128);
    }
}

/// <summary>Levels out of the same table; the scale of 32 is the product of the two that a block of 256 has.</summary>
readonly unsafe struct IQ4_XSCodes : IBlockSource
{
    public static ElementType Type => ElementType.IQ4_XS;

    public static float Scale(byte* block, int part) => Levels.ReadHalf(block) * IQ4_XS.Scale(block, part);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, int part, byte* codes)
    {
        IQ4_NL.UnpackLevels(block + 8 + 16 * part, (sbyte*)codes, 32);
        ByteCodes.Raise(codes, 32, 128);
    }
}
