namespace Cria.Kernels.Panels;

/// <summary>
/// How weights in blocks of 256 lie in a panel. A block of 16 rows: the F16 scales of the rows, their F16 scales of minima, the signed
/// byte scales of all sub-blocks, the minima, two sub-blocks together, and the codes.
/// </summary>
unsafe interface ISuperblockForm<W, V> where W : struct, IPanelWidth<V> where V : struct
{
    /// <summary>Sub-blocks of a block.</summary>
    static abstract int SubBlocks { get; }

    /// <summary>Bytes of the codes of a sub-block of 16 rows.</summary>
    static abstract int CodeBytes { get; }

    /// <summary>Where the sums of the activations of sub-blocks lie in a quantized block, as shorts.</summary>
    static abstract int SumsAt { get; }

    /// <summary>Whether sub-blocks have minima.</summary>
    static abstract bool HasMinima { get; }

    /// <summary>Dot products in shorts of a sub-block's codes with four rows of activations, two vectors of rows.</summary>
    static abstract void Four(byte* codes0, byte* codes1, nint subBlock, byte* a, byte* b, byte* c, byte* d,
        out V a0, out V a1, out V b0, out V b1, out V c0, out V c1, out V d0, out V d1);

    /// <summary>The same for one vector and one row of activations.</summary>
    static abstract V One(byte* codes, nint subBlock, byte* x);
}
