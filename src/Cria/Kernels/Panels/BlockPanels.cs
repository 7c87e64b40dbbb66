using System.Runtime.CompilerServices;
using Cria.Kernels.Emitted;
using Cria.Tensors;

namespace Cria.Kernels.Panels;

/// <summary>A block of 32 of some type: its codes, one a byte in column order, plus 128 where they are signed bytes, or in nibbles as <see cref="IBlockForm.Nibbles"/>
/// says; its F16 scale and minimum.</summary>
unsafe interface IBlockSource
{
    static abstract ElementType Type { get; }

    static abstract void Unpack(byte* block, byte* codes, ushort* scale, ushort* minimum);
}

/// <summary>Blocks of 32 in panels.</summary>
sealed unsafe class BlockPanels<S, F> : PanelFormat where S : struct, IBlockSource where F : struct, IBlockForm
{
    static int ScalesBytes => F.HasMinimum ? 128 : 64;

    static int CodeBytes => F.Nibbles ? 256 : 512;

    static int PairBytes => ScalesBytes + 2 * CodeBytes;

    public override bool NeedsDot => !F.Nibbles;

    public override int Blocks(int columns) => (columns + 63) / 64 * 2;

    public override long PanelBytes(int columns) => Blocks(columns) / 2L * PairBytes;

    public override int ActivationBytes(int columns) => Blocks(columns) * QuantizedRow.Bytes32;

    public override void Quantize(float* x, int columns, byte* row) => QuantizedRow.Quantize32(x, columns, row);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once, so no later tier would come in time
    public override bool Pack(byte* blocks, int rows, int columns, byte* panel)
    {
        if (rows < Rows || columns % 64 != 0)
            new Span<byte>(panel, checked((int)PanelBytes(columns))).Clear();
        var codes = stackalloc byte[32];
        ushort minimum = 0;
        var finite = true;
        for (var block = 0; block < columns / 32; block++)
        {
            var pair = panel + block / 2 * (nint)PairBytes;
            var scales = (ushort*)(pair + block % 2 * 32);
            var target = pair + ScalesBytes + block % 2 * CodeBytes;
            for (var row = 0; row < rows; row++)
            {
                S.Unpack(blocks + S.Type.Bytes((long)row * columns + block * 32), codes, scales + row, &minimum);
                if (F.HasMinimum)
                    scales[row + 32] = minimum;
                finite &= IsFinite(scales[row]) && IsFinite(minimum);
                Interleave.Words(codes, CodeBytes / 64, target + 4 * row);
            }
        }
        return finite;
    }

    public override PanelTiles Tiles<W, V>() => new(&BlockTiles<F, W, V>.One, &BlockTiles<F, W, V>.Four, W.Rows);

    public override delegate*<in PanelTile, void> Emitted => EmittedTiles<BlockKernel<F>>.Tile;
}
