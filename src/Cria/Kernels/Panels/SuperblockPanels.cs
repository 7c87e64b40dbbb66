using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Cria.Kernels.Emitted;
using Cria.Tensors;

namespace Cria.Kernels.Panels;

/// <summary>A block of 256 of some type, unpacked: one code, scale or minimum a byte, in the range that its form in panels takes.</summary>
unsafe struct Superblock
{
    public ushort Scale, MinimaScale;
    public fixed byte Codes[256];
    public fixed byte Scales[16], Minima[16];
}

unsafe interface ISuperblockSource
{
    static abstract ElementType Type { get; }

    static abstract void Unpack(byte* block, Superblock* to);
}

/// <summary>Blocks of 256 in panels; the layout is <see cref="ISuperblockForm{W,V}"/>'s.</summary>
abstract unsafe class SuperblockPanels<S>(int subBlocks, int codeBytes, bool hasMinima) : PanelFormat where S : struct, ISuperblockSource
{
    readonly int _codesAt = 64 + (hasMinima ? 32 : 16) * subBlocks;

    int BlockBytes => _codesAt + subBlocks * codeBytes;

    public override bool NeedsDot => false;

    public override int Blocks(int columns) => columns / 256;

    public override long PanelBytes(int columns) => (long)Blocks(columns) * BlockBytes;

    public override int ActivationBytes(int columns) => Blocks(columns) * QuantizedRow.Bytes256;

    public override void Quantize(float* x, int columns, byte* row) => QuantizedRow.Quantize256(x, columns, row);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once, so no later tier would come in time
    public override bool Pack(byte* blocks, int rows, int columns, byte* panel)
    {
        if (rows < Rows)
            new Span<byte>(panel, checked((int)PanelBytes(columns))).Clear();
        var from = new Superblock();
        var finite = true;
        for (var block = 0; block < Blocks(columns); block++, panel += BlockBytes)
            for (var row = 0; row < rows; row++)
            {
                S.Unpack(blocks + S.Type.Bytes((long)row * columns + block * 256), &from);
                ((ushort*)panel)[row] = from.Scale;
                ((ushort*)panel)[row + 16] = from.MinimaScale;
                for (var j = 0; j < subBlocks; j++)
                {
                    panel[64 + 16 * j + row] = from.Scales[j];
                    if (hasMinima)
                        panel[64 + 16 * subBlocks + j / 2 * 32 + 2 * row + j % 2] = from.Minima[j];
                }
                PackCodes(from.Codes, panel + _codesAt + 4 * row);
                finite &= IsFinite(from.Scale) && IsFinite(from.MinimaScale);
            }
        return finite;
    }

    protected abstract void PackCodes(byte* codes, byte* target);
}

/// <summary>In the form of Q4_K.</summary>
sealed unsafe class NibbleSuperblockPanels<S>() : SuperblockPanels<S>(8, 256, true) where S : struct, ISuperblockSource
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void PackCodes(byte* codes, byte* target)
    {
        for (var j = 0; j < 8; j++, codes += 32, target += 256)
        {
            Interleave.Nibbles(codes);
            Interleave.Words(codes, 4, target);
        }
    }

    public override PanelTiles Tiles<W, V>() =>
        new(&SuperblockTiles<NibbleSuperblock<W, V>, W, V>.One, &SuperblockTiles<NibbleSuperblock<W, V>, W, V>.Four, W.Rows);

    public override delegate*<in PanelTile, void> Emitted => EmittedTiles<SuperblockKernel<NibbleSuperblock<Panel512, Vector512<int>>>>.Tile;
}

/// <summary>In the form of Q6_K.</summary>
sealed unsafe class SixBitSuperblockPanels<S, M>() : SuperblockPanels<S>(16, 192, M.Present) where S : struct, ISuperblockSource where M : struct, IMinima
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void PackCodes(byte* codes, byte* target)
    {
        for (var j = 0; j < 16; j++, codes += 16, target += 192)
        {
            Interleave.SixBits(codes);
            Interleave.Words(codes, 3, target);
        }
    }

    public override PanelTiles Tiles<W, V>() =>
        new(&SuperblockTiles<SixBitSuperblock<M, W, V>, W, V>.One, &SuperblockTiles<SixBitSuperblock<M, W, V>, W, V>.Four, W.Rows);

    public override delegate*<in PanelTile, void> Emitted => EmittedTiles<SuperblockKernel<SixBitSuperblock<M, Panel512, Vector512<int>>>>.Tile;
}
