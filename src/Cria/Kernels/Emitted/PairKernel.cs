namespace Cria.Kernels.Emitted;

/// <summary>C = A B or C = factors C + A B, A and B in BF16, whose inner dimension goes in steps of two.</summary>
unsafe struct PairTile
{
    /// <summary>Row after row of A: a pair of numbers for each step.</summary>
    public byte* A;
    public nint ABytes;

    /// <summary>Step after step of B: for each column the pair of numbers that belong to the step.</summary>
    public byte* B;
    public nint BBytes;

    public nint Steps;

    /// <summary>Rows of the result.</summary>
    public float* C;
    public nint CBytes;

    /// <summary>For each row what it is multiplied by before, 16 floats apart.</summary>
    public float* Factors;
}

/// <summary>The outer products of attention: up to six rows times up to five vectors of columns. Each sum has one accumulator over ascending steps.</summary>
static unsafe class PairKernel
{
    /// <summary>Rows and vectors of a tile; where vectors are <see cref="MostVectors"/> rows are one less, or registers would not do.</summary>
    public const int MostRows = 6, MostVectors = 5;

    /// <summary>Vectors of a tile that begins with zero: a block of keys.</summary>
    public const int BlockVectors = KvFormat.BlockPositions / Lanes;

    const int Lanes = 16, VectorBytes = 64;

    static readonly (int Rows, int Vectors, bool Scaled)[] Shapes =
    [
        .. Enumerable.Range(1, MostRows).Select(rows => (rows, BlockVectors, false)),
        .. Enumerable.Range(1, MostVectors).SelectMany(vectors => Enumerable.Range(1, RowsOf(vectors)).Select(rows => (rows, vectors, true))),
    ];

    static readonly nint[] Functions = Emission.HasBF16 ? Function.Load(Shapes.Length, (code, n, windows) => Emit(code, Shapes[n - 1], windows)) : [];

    public static bool IsSupported => Functions.Length > 0;

    /// <summary>The most rows of a tile of so many vectors.</summary>
    public static int RowsOf(int vectors) => vectors == MostVectors ? MostRows - 1 : MostRows;

    /// <summary>C = A B with <see cref="BlockVectors"/> vectors. Takes less than a microsecond for a head, so the garbage collector can wait for it.</summary>
    public static void Multiply(PairTile* tile, int rows) => Call(tile, rows - 1);

    /// <summary>C = factors C + A B.</summary>
    public static void MultiplyAdd(PairTile* tile, int rows, int vectors) => Call(tile, MostRows * vectors + rows - 1);

    static void Call(PairTile* tile, int function) => ((delegate* unmanaged[SuppressGCTransition]<PairTile*, void>)Functions[function])(tile);

    static void Emit(Assembler code, (int Rows, int Vectors, bool Scaled) shape, bool windows)
    {
        const Register argument = Register.R11, b = Register.R8, step = Register.R9, count = Register.R10;
        PairTile tile;
        var start = (byte*)&tile;
        Memory Field(void* field) => new(argument, (int)((byte*)field - start));

        var function = new RowFunction(code, windows);
        var (rows, vectors) = (shape.Rows, shape.Vectors);
        var (sums, columns, pair) = (function.Vectors(rows * vectors), function.Vectors(vectors), function.Vector());
        function.Begin(argument);
        function.LoadRows(Field(&tile.C), Field(&tile.CBytes), 1);
        code.Mov(count, Field(&tile.Factors));
        for (var i = 0; i < sums.Length; i++)
        {
            if (i % vectors == 0 && shape.Scaled)
                code.Vpbroadcastd(pair, new Memory(count, i / vectors * VectorBytes));
            if (shape.Scaled)
                code.Vmulps(sums[i], pair, RowFunction.Strided(i / vectors, 1).At(i % vectors * VectorBytes));
            else
                code.Vpxord(sums[i], sums[i], sums[i]);
        }
        function.LoadRows(Field(&tile.A), Field(&tile.ABytes), 1);
        code.Mov(b, Field(&tile.B));
        code.Mov(step, Field(&tile.BBytes));
        code.Mov(count, Field(&tile.Steps));

        var loop = code.Here;
        for (var i = 0; i < vectors; i++)
            code.Vmovups(columns[i], new Memory(b, VectorBytes * i));
        for (var row = 0; row < rows; row++)
        {
            code.Vpbroadcastd(pair, RowFunction.Strided(row, 1));
            for (var i = 0; i < vectors; i++)
                code.Vdpbf16ps(sums[row * vectors + i], columns[i], pair);
        }
        code.Add(RowFunction.First, sizeof(int));
        code.Add(RowFunction.Fourth, sizeof(int));
        code.Lea(b, new Memory(b, 0, step));
        code.Add(count, -1);
        code.Jnz(loop);

        function.LoadRows(Field(&tile.C), Field(&tile.CBytes), 1);
        for (var i = 0; i < sums.Length; i++)
            code.Vmovups(RowFunction.Strided(i / vectors, 1).At(i % vectors * VectorBytes), sums[i]);
        function.End();
    }
}
