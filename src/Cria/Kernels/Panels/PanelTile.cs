namespace Cria.Kernels.Panels;

/// <summary>
/// What a tile computes: two vectors of rows of weights times four rows of activations, or a whole panel times the first of them.
/// </summary>
unsafe struct PanelTile
{
    /// <summary>The panels of the two vectors, and the place in its panel of each one's first row.</summary>
    public byte* Panel0, Panel1;
    public int Row0, Row1;

    /// <summary>Blocks of weights in a row; blocks of 32 are an even number.</summary>
    public nint Blocks;

    /// <summary>Quantized activations; where there are fewer than four rows the last is repeated.</summary>
    public byte* X0, X1, X2, X3;

    /// <summary>From one row of activations to the next, for tiles of any number of them.</summary>
    public nint XBytes;

    /// <summary>Rows of activations of a tile of any number.</summary>
    public int Rows;

    /// <summary>The outputs of the first row; those of the next are <see cref="Stride"/> further.</summary>
    public float* Y;
    public nint Stride;
}
