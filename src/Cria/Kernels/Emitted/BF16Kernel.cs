namespace Cria.Kernels.Emitted;

/// <summary>Four rows of BF16 weights and some rows of activations, all of them rounded to BF16, in steps of 32 columns.</summary>
unsafe struct BF16Tile
{
    /// <summary>The ends of the rows.</summary>
    public byte* Weights0, Weights1, Weights2, Weights3;

    /// <summary>Minus the bytes of a row.</summary>
    public nint Start;

    /// <summary>The end of the four rows that come next, if they follow each other.</summary>
    public byte* Ahead;

    /// <summary>The activations: of each step all rows.</summary>
    public byte* X;

    /// <summary>For each row of activations four vectors of 16 partial sums.</summary>
    public float* Sums;
}

/// <summary>
/// Adds to each of 16 partial sums of an output the products of a step's two columns, of the odd one first: what <see cref="DotTiles{T,W,V}"/>
/// computes from activations rounded to BF16, except that subnormal numbers count as zero.
/// </summary>
static unsafe class BF16Kernel
{
    /// <summary>Rows of activations: 24 sums, four weights and one activation are 29 registers.</summary>
    public const int MostRows = 6;

    public const int Outputs = 4, StepColumns = 32;

    const int VectorBytes = 64;

    static readonly Register[] Weights = [Register.R8, Register.R9, Register.Rcx, Register.Rdx];

    static readonly nint[] Functions = Emission.HasBF16 ? Function.Load(MostRows, Emit) : [];

    public static bool IsSupported => Functions.Length > 0;

    /// <summary>Takes less than a microsecond for 2048 columns, so the garbage collector can wait for it.</summary>
    public static void Run(BF16Tile* tile, int rows) =>
        ((delegate* unmanaged[SuppressGCTransition]<BF16Tile*, void>)Functions[rows - 1])(tile);

    static void Emit(Assembler code, int rows, bool windows)
    {
        const Register x = Register.Rax, place = Register.R10, ahead = Register.R11, argument = Register.R11;
        BF16Tile tile;
        var start = (byte*)&tile;
        Memory Field(void* field) => new(argument, (int)((byte*)field - start));

        var function = new Function(code, windows);
        var (sums, weights, activations) = (function.Vectors(Outputs * rows), function.Vectors(Outputs), function.Vector());
        function.Begin(argument);
        code.Mov(x, Field(&tile.Sums));
        for (var i = 0; i < sums.Length; i++)
            code.Vmovups(sums[i], new Memory(x, VectorBytes * i));
        code.Mov(Weights[0], Field(&tile.Weights0));
        code.Mov(Weights[1], Field(&tile.Weights1));
        code.Mov(Weights[2], Field(&tile.Weights2));
        code.Mov(Weights[3], Field(&tile.Weights3));
        code.Mov(place, Field(&tile.Start));
        code.Mov(x, Field(&tile.X));
        code.Push(argument);
        code.Mov(ahead, Field(&tile.Ahead));

        var loop = code.Here;
        for (var i = 0; i < Outputs; i++)
        {
            code.Vmovups(weights[i], new Memory(Weights[i], 0, place));
            if (rows < MostRows) // more rows meet weights again that are in the cache
                code.Prefetcht0(new Memory(ahead, VectorBytes * i, place, Outputs));
        }
        for (var row = 0; row < rows; row++)
        {
            code.Vmovups(activations, new Memory(x, VectorBytes * row));
            for (var i = 0; i < Outputs; i++)
                code.Vdpbf16ps(sums[Outputs * row + i], weights[i], activations);
        }
        code.Add(x, VectorBytes * rows);
        code.Add(place, VectorBytes);
        code.Jnz(loop);

        code.Pop(argument);
        code.Mov(x, Field(&tile.Sums));
        for (var i = 0; i < sums.Length; i++)
            code.Vmovups(new Memory(x, VectorBytes * i), sums[i]);
        function.End();
    }
}
