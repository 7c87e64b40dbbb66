using System.Runtime.CompilerServices;
using Cria.Kernels.Emitted;
using Cria.Tensors;

namespace Cria.Kernels.Panels;

/// <summary>
/// Parts of 32 of a block of some type: the codes, one a byte in column order, plus 128 where they are signed bytes, or in nibbles as
/// <see cref="IBlockForm.Nibbles"/> says; the scale as <see cref="IBlockForm.ScaleSize"/> says, the minimum in F16.
/// </summary>
unsafe interface IBlockSource
{
    /// <summary>The type; its blocks begin with their F16 scale.</summary>
    static abstract ElementType Type { get; }

    static abstract void Unpack(byte* block, int part, byte* codes, byte* scale, ushort* minimum);
}

/// <summary>Blocks of 32 in panels.</summary>
sealed unsafe class BlockPanels<S, F> : PanelFormat where S : struct, IBlockSource where F : struct, IBlockForm
{
    static int ScalesBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * Rows * (F.ScaleSize + (F.HasMinimum ? 2 : 0));
    }

    static int CodeBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => F.Nibbles ? 256 : 512;
    }

    static int PairBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ScalesBytes + 2 * CodeBytes;
    }

    public override int ActivationBlock => 32;

    public override bool NeedsDot => !F.Nibbles;

    public override int Blocks(int columns) => (columns + 63) / 64 * 2;

    public override long PanelBytes(int columns) => Blocks(columns) / 2L * PairBytes;

    public override int ActivationBytes(int columns) => Blocks(columns) * QuantizedRow.Bytes32;

    public override void Quantize(float* x, int columns, byte* row) => QuantizedRow.Quantize32(x, columns, row);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once for a matrix, so no later tier would come in time
    public override bool Pack(byte* blocks, int rows, int columns, byte* panel)
    {
        if (rows < Rows || columns % 64 != 0)
            new Span<byte>(panel, checked((int)PanelBytes(columns))).Clear();
        var (rowBytes, blockBytes, parts) = ((nint)S.Type.Bytes(columns), S.Type.BlockBytes(), S.Type.BlockLength() / 32);
        var next = blocks + Rows * rowBytes;
        var codes = stackalloc byte[CodeBytes];
        var finite = true;
        for (var block = 0; block < columns / 32; block++)
        {
            var pair = panel + block / 2 * (nint)PairBytes;
            var scales = pair + block % 2 * Rows * F.ScaleSize;
            var minima = (ushort*)(pair + 2 * Rows * F.ScaleSize) + block % 2 * Rows;
            var from = blocks + block / parts * blockBytes;
            byte* code = codes, scale = scales;
            for (var row = 0; row < rows; row++)
            {
                S.Unpack(from, block % parts, code, scale, minima + row);
                from += rowBytes;
                code += CodeBytes / Rows;
                scale += F.ScaleSize;
            }
            Interleave.Words(codes, CodeBytes / Rows, CodeBytes / 64, pair + ScalesBytes + block % 2 * CodeBytes);
            finite &= F.ScaleSize == 2 ? AreFinite((ushort*)scales) : AreFinite((float*)scales);
            if (F.HasMinimum)
                finite &= AreFinite(minima);
            next = Panel.PrefetchNext(next, Rows * blockBytes / parts);
        }
        return finite;
    }

    public override PanelTiles Tiles<W, V>() => new(&BlockTiles<F, W, V>.One, &BlockTiles<F, W, V>.Four, W.Rows);

    public override delegate*<in PanelTile, void> Emitted => EmittedTiles<BlockKernel<F>>.Tile;
}
