using System.Runtime.CompilerServices;
using Cria.Kernels.Blocks;
using Cria.Kernels.Emitted;
using Cria.Tensors;

namespace Cria.Kernels.Panels;

/// <summary>A type of blocks that begin with their scale in F16 and, where they have one, their minimum in F16; each is one or more parts of 32 codes.</summary>
unsafe interface IBlockSource
{
    static abstract ElementType Type { get; }

    /// <summary>Where in a block the codes lie just as <see cref="Unpack"/> gives them, so that rows can be interleaved where they are; else 0.</summary>
    static virtual int CodesAt => 0;

    /// <summary>The codes of a part as a row of a panel has them: in column order, plus 128 where they are signed bytes.</summary>
    static abstract void Unpack(byte* block, int part, byte* codes);

    /// <summary>The scale of a part.</summary>
    static virtual float Scale(byte* block, int part) => Levels.ReadHalf(block);
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
    public override bool Pack(byte* blocks, int columns, byte* panel)
    {
        if (columns % 64 != 0)
            new Span<byte>(panel, checked((int)PanelBytes(columns))).Clear();
        var (rowBytes, blockBytes, parts) = ((nint)S.Type.Bytes(columns), S.Type.BlockBytes(), S.Type.BlockLength() / 32);
        var next = blocks + Rows * rowBytes;
        var unpacked = stackalloc byte[CodeBytes];
        var finite = true;
        for (var block = 0; block < columns / 32; block++)
        {
            var pair = panel + block / 2 * (nint)PairBytes;
            var scales = pair + block % 2 * Rows * F.ScaleSize;
            var minima = (ushort*)(pair + 2 * Rows * F.ScaleSize) + block % 2 * Rows;
            var codes = pair + ScalesBytes + block % 2 * CodeBytes;
            var from = blocks + block / parts * blockBytes;
            if (F.ScaleSize == 2)
                Interleave.Halves(from, rowBytes, (ushort*)scales);
            else
                for (var row = 0; row < Rows; row++)
                    ((float*)scales)[row] = S.Scale(from + row * rowBytes, block % parts);
            finite &= F.ScaleSize == 2 ? AreFinite((ushort*)scales) : AreFinite((float*)scales);
            if (F.HasMinimum)
            {
                Interleave.Halves(from + 2, rowBytes, minima);
                finite &= AreFinite(minima);
            }
            if (S.CodesAt > 0)
                Interleave.Words(from + S.CodesAt, rowBytes, CodeBytes / 64, codes);
            else
            {
                for (var row = 0; row < Rows; row++)
                    S.Unpack(from + row * rowBytes, block % parts, unpacked + row * (CodeBytes / Rows));
                Interleave.Words(unpacked, CodeBytes / Rows, CodeBytes / 64, codes);
            }
            next = Panel.PrefetchNext(next, Rows * blockBytes / parts);
        }
        return finite;
    }

    public override PanelTiles Tiles<W, V>() => new(&BlockTiles<F, W, V>.One, &BlockTiles<F, W, V>.Four, W.Rows);

    public override delegate*<in PanelTile, void> Emitted => EmittedTiles<BlockKernel<F>>.Tile;
}
