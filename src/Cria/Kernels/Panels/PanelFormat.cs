using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Cria.Tensors;

namespace Cria.Kernels.Panels;

/// <summary>
/// A block type's form in panels: 16 rows of a matrix interleaved, so that 32 bits of a vector are one row and hold its codes of four
/// neighbouring columns. The values are exactly those of the file's blocks.
/// </summary>
abstract unsafe class PanelFormat
{
    /// <summary>Rows of a panel.</summary>
    public const int Rows = 16;

    static readonly Dictionary<ElementType, PanelFormat> All = new()
    {
        [ElementType.Q4_0] = new BlockPanels<Q4_0Codes, NibbleForm>(),
        [ElementType.Q4_1] = new BlockPanels<Q4_1Codes, NibbleMinimumForm>(),
        [ElementType.Q5_0] = new BlockPanels<Q5_0Codes, ByteForm>(),
        [ElementType.Q5_1] = new BlockPanels<Q5_1Codes, ByteMinimumForm>(),
        [ElementType.Q8_0] = new BlockPanels<Q8_0Codes, ByteForm>(),
        [ElementType.IQ4_NL] = new BlockPanels<IQ4_NLCodes, ByteForm>(),
        [ElementType.IQ4_XS] = new BlockPanels<IQ4_XSCodes, WideScaleForm>(),
        [ElementType.Q2_K] = new SixBitSuperblockPanels<Q2_KCodes, WithMinima>(),
        [ElementType.Q3_K] = new SixBitSuperblockPanels<Q3_KCodes, NoMinima>(),
        [ElementType.Q4_K] = new NibbleSuperblockPanels<Q4_KCodes>(),
        [ElementType.Q5_K] = new SixBitSuperblockPanels<Q5_KCodes, WithMinima>(),
        [ElementType.Q6_K] = new SixBitSuperblockPanels<Q6_KCodes, NoMinima>(),
    };

    /// <summary>The form of a type of blocks.</summary>
    public static PanelFormat Of(ElementType type) => All[type];

    /// <summary>The types that have a form: all that come in blocks.</summary>
    public static IReadOnlyCollection<ElementType> Types => All.Keys;

    /// <summary>Whether codes have all 8 bits and need <see cref="IPanelWidth{V}.Dot"/>.</summary>
    public abstract bool NeedsDot { get; }

    /// <summary>Activations that share a scale.</summary>
    public abstract int ActivationBlock { get; }

    /// <summary>Blocks of a row of <paramref name="columns"/>, in panels and in activations.</summary>
    public abstract int Blocks(int columns);

    /// <summary>Bytes of a panel.</summary>
    public abstract long PanelBytes(int columns);

    /// <summary>Bytes of a row of activations in 8 bits.</summary>
    public abstract int ActivationBytes(int columns);

    /// <summary>A row of activations to 8 bits.</summary>
    public abstract void Quantize(float* x, int columns, byte* row);

    /// <summary>16 rows of blocks to a panel. Gives whether all scales are finite, which tiles take for granted.</summary>
    public abstract bool Pack(byte* blocks, int columns, byte* panel);

    /// <summary>Whether 16 values in F16 are finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static bool AreFinite(ushort* halves) =>
        !Vector256.EqualsAny(Vector256.Load(halves) & Vector256.Create((ushort)0x7C00), Vector256.Create((ushort)0x7C00));

    /// <summary>Whether 16 values are finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static bool AreFinite(float* values) =>
        Vector256.LessThanAll(Vector256.Max(Vector256.Abs(Vector256.Load(values)), Vector256.Abs(Vector256.Load(values + 8))), Vector256.Create(float.PositiveInfinity));

    /// <summary>The tiles of this form at one vector width.</summary>
    public abstract PanelTiles Tiles<W, V>() where W : struct, IPanelWidth<V> where V : struct;

    /// <summary>Machine code for two panels times some rows of activations, or null where there is none.</summary>
    public virtual delegate*<in PanelTile, void> Emitted => null;
}

/// <summary>The tiles of a format.</summary>
/// <param name="one">A panel times one row of activations.</param>
/// <param name="many">Two vectors of rows times several rows of activations.</param>
/// <param name="vectorRows">Rows of one of the two vectors.</param>
/// <param name="most">Rows of activations.</param>
/// <param name="anyNumber">Whether it takes fewer than <paramref name="most"/> too.</param>
readonly unsafe struct PanelTiles(delegate*<in PanelTile, void> one, delegate*<in PanelTile, void> many, int vectorRows, int most = 4, bool anyNumber = false)
{
    public delegate*<in PanelTile, void> One => one;

    public delegate*<in PanelTile, void> Many => many;

    public int VectorRows => vectorRows;

    public int Most => most;

    public bool AnyNumber => anyNumber;
}
