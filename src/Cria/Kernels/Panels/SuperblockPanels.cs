using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Cria.Kernels.Emitted;
using Cria.Tensors;

namespace Cria.Kernels.Panels;

/// <summary>A block of 256 of some type, unpacked: one code, scale or minimum a byte, in the range that its form in panels takes; codes of 4 bits as they lie there.</summary>
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

    public override int ActivationBlock => 256;

    public override bool NeedsDot => false;

    public override int Blocks(int columns) => columns / 256;

    public override long PanelBytes(int columns) => (long)Blocks(columns) * BlockBytes;

    public override int ActivationBytes(int columns) => Blocks(columns) * QuantizedRow.Bytes256;

    public override void Quantize(float* x, int columns, byte* row) => QuantizedRow.Quantize256(x, columns, row);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once for a matrix, so no later tier would come in time
    public override bool Pack(byte* blocks, int columns, byte* panel)
    {
        var (rowBytes, blockBytes) = ((nint)S.Type.Bytes(columns), S.Type.BlockBytes());
        var next = blocks + Rows * rowBytes;
        var unpacked = stackalloc Superblock[Rows];
        var finite = true;
        for (var block = 0; block < Blocks(columns); block++, panel += BlockBytes, blocks += blockBytes)
        {
            for (var row = 0; row < Rows; row++)
            {
                var to = unpacked + row;
                S.Unpack(blocks + row * rowBytes, to);
                ((ushort*)panel)[row] = to->Scale;
                ((ushort*)panel)[row + 16] = to->MinimaScale;
                for (var j = 0; j < subBlocks; j++)
                {
                    panel[64 + 16 * j + row] = to->Scales[j];
                    if (hasMinima)
                        panel[64 + 16 * subBlocks + j / 2 * 32 + 2 * row + j % 2] = to->Minima[j];
                }
            }
            PackCodes(unpacked->Codes, panel + _codesAt);
            finite &= AreFinite((ushort*)panel) && AreFinite((ushort*)panel + 16);
            next = Panel.PrefetchNext(next, Rows * blockBytes);
        }
        return finite;
    }

    /// <summary>The codes of 16 rows of superblocks.</summary>
    protected abstract void PackCodes(byte* codes, byte* target);
}

/// <summary>In the form of Q4_K.</summary>
sealed unsafe class NibbleSuperblockPanels<S>() : SuperblockPanels<S>(8, 256, true) where S : struct, ISuperblockSource
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void PackCodes(byte* codes, byte* target)
    {
        for (var j = 0; j < 8; j++, codes += 16, target += 256)
            Interleave.Words(codes, sizeof(Superblock), 4, target);
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
            for (var row = 0; row < Rows; row++)
                Interleave.SixBits(codes + row * sizeof(Superblock));
            Interleave.Words(codes, sizeof(Superblock), 3, target);
        }
    }

    public override PanelTiles Tiles<W, V>() =>
        new(&SuperblockTiles<SixBitSuperblock<M, W, V>, W, V>.One, &SuperblockTiles<SixBitSuperblock<M, W, V>, W, V>.Four, W.Rows);

    public override delegate*<in PanelTile, void> Emitted => EmittedTiles<SuperblockKernel<SixBitSuperblock<M, Panel512, Vector512<int>>>>.Tile;
}
