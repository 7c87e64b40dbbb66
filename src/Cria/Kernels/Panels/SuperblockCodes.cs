using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Kernels.Panels;

readonly unsafe struct Q4_KCodes : ISuperblockSource
{
    public static ElementType Type => ElementType.Q4_K;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, Superblock* to)
    {
        (to->Scale, to->MinimaScale) = (((ushort*)block)[0], ((ushort*)block)[1]);
        SixBitPairs.Unpack(block + 4, to->Scales, to->Minima);
        for (var i = 0; i < 128; i += 32)
        {
            var (first, second) = (Vector128.Load(block + 16 + i), Vector128.Load(block + 32 + i));
            (first & Vector128.Create((byte)15) | second << 4).Store(to->Codes + i);
            (first >>> 4 | second & Vector128.Create((byte)0xF0)).Store(to->Codes + i + 16);
        }
    }
}

readonly unsafe struct Q6_KCodes : ISuperblockSource
{
    public static ElementType Type => ElementType.Q6_K;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, Superblock* to)
    {
        to->Scale = *(ushort*)(block + 208);
        Vector128.Load(block + 192).Store(to->Scales);
        BitFields.Unpack(block, 64, 4, to->Codes, 256);
        BitFields.Unpack(block + 128, 32, 2, to->Codes, 256, at: 4);
    }
}

/// <summary>Codes from 0 on, 32 above what the form takes for 0; scales and minima of 32 for both of their halves.</summary>
readonly unsafe struct Q5_KCodes : ISuperblockSource
{
    public static ElementType Type => ElementType.Q5_K;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, Superblock* to)
    {
        (to->Scale, to->MinimaScale) = (((ushort*)block)[0], ((ushort*)block)[1]);
        SixBitPairs.Unpack(block + 4, to->Scales, to->Minima);
        for (var j = 15; j >= 0; j--)
            (to->Scales[j], to->Minima[j]) = (to->Scales[j / 2], to->Minima[j / 2]);
        BitFields.Unpack(block + 48, 32, 4, to->Codes, 256);
        BitFields.Unpack(block + 16, 32, 1, to->Codes, 256, at: 4);
        ByteCodes.Raise(to->Codes, 256, 32);
    }
}

/// <summary>Codes from 0 on, 32 above what the form takes for 0.</summary>
readonly unsafe struct Q2_KCodes : ISuperblockSource
{
    public static ElementType Type => ElementType.Q2_K;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, Superblock* to)
    {
        (to->Scale, to->MinimaScale) = (*(ushort*)(block + 80), *(ushort*)(block + 82));
        for (var j = 0; j < 16; j++)
            (to->Scales[j], to->Minima[j]) = ((byte)(block[j] & 15), (byte)(block[j] >> 4));
        BitFields.Unpack(block + 16, 32, 2, to->Codes, 256);
        ByteCodes.Raise(to->Codes, 256, 32);
    }
}

/// <summary>Codes about 4, brought to 32.</summary>
readonly unsafe struct Q3_KCodes : ISuperblockSource
{
    public static ElementType Type => ElementType.Q3_K;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Unpack(byte* block, Superblock* to)
    {
        to->Scale = *(ushort*)(block + 108);
        BitFields.Unpack(block + 96, 8, 4, to->Scales, 16);
        BitFields.Unpack(block + 104, 4, 2, to->Scales, 16, at: 4);
        for (var j = 0; j < 16; j++)
            to->Scales[j] -= 32;
        BitFields.Unpack(block + 32, 32, 2, to->Codes, 256);
        BitFields.Unpack(block, 32, 1, to->Codes, 256, at: 2);
        ByteCodes.Raise(to->Codes, 256, 32 - 4);
    }
}
