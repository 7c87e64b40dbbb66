using Cria.Kernels.Panels;

namespace Cria.Kernels.Emitted;

/// <summary>
/// The frame of a function void (PanelTile*) that multiplies two panels with some rows of activations: registers, loop over blocks,
/// outputs. What belongs to a panel and a row of activations is number 2 * row + panel of an array.
/// </summary>
sealed unsafe class PanelFunction(Assembler code, int rows, bool windows)
{
    /// <summary>Rows of activations that two pointers and a stride reach; more would not fit the vector registers either.</summary>
    public const int MostRows = 6;

    const Register Tile = Register.R11, First = Register.Rax, Fourth = Register.Rcx, Stride = Register.Rdx, Blocks = Register.R10;

    /// <summary>Vector registers of which Windows asks a callee to keep the lower 128 bits.</summary>
    static readonly Zmm[] Kept = [.. Enumerable.Range(6, 10).Select(i => new Zmm(i))];

    readonly List<(Zmm Vector, uint Value)> _constants = [];

    int _vectors;

    public Assembler Code => code;

    public int Rows => rows;

    /// <summary>A register that nothing else uses.</summary>
    public Zmm Vector() => new(_vectors++);

    /// <inheritdoc cref="Vector"/>
    public Zmm[] Vectors(int count) => [.. Enumerable.Range(0, count).Select(_ => Vector())];

    /// <summary>A register that has <paramref name="value"/> in all lanes.</summary>
    public Zmm Constant(uint value)
    {
        var vector = Vector();
        _constants.Add((vector, value));
        return vector;
    }

    /// <summary>The block of a panel that the loop is at.</summary>
    public static Memory Panel(int panel) => new(panel == 0 ? Register.R8 : Register.R9);

    /// <summary>The block of a row of activations that the loop is at.</summary>
    public static Memory Row(int row) => Strided(row, 1);

    /// <summary>Emits the function; <paramref name="body"/> adds <paramref name="blocks"/> blocks to the sums.</summary>
    public void Emit(Zmm[] sums, int blocks, int panelBytes, int activationBytes, Action body)
    {
        PanelTile tile;
        var start = (byte*)&tile;
        Memory Field(void* field) => new(Tile, (int)((byte*)field - start));

        code.Lea(Tile, new(windows ? Register.Rcx : Register.Rdi));
        if (windows)
            Keep(-1, code.Vmovups);
        code.Mov(Register.R8, Field(&tile.Panel0));
        code.Mov(Register.R9, Field(&tile.Panel1));
        LoadRows(Field(&tile.X0), Field(&tile.XBytes), 1);
        foreach (var sum in sums)
            code.Vpxord(sum, sum, sum);
        foreach (var (vector, value) in _constants)
        {
            code.Mov(Blocks, value);
            code.Vpbroadcastd(vector, Blocks);
        }
        code.Mov(Blocks, Field(&tile.Blocks));

        var loop = code.Here;
        body();
        code.Add(Register.R8, panelBytes);
        code.Add(Register.R9, panelBytes);
        code.Add(First, activationBytes);
        code.Add(Fourth, activationBytes);
        code.Add(Blocks, -blocks);
        code.Jnz(loop);

        LoadRows(Field(&tile.Y), Field(&tile.Stride), sizeof(float));
        for (var i = 0; i < sums.Length; i++)
            code.Vmovups(Strided(i / 2, sizeof(float)).At(i % 2 * 64), sums[i]);
        if (windows)
            Keep(1, (place, vector) => code.Vmovups(vector, place));
        code.Vzeroupper();
        code.Ret();
    }

    /// <summary>Saves the vectors to keep below the stack pointer, which it moves down, or restores them and moves it up.</summary>
    void Keep(int direction, Action<Memory, Zmm> move)
    {
        if (direction < 0)
            code.Add(Register.Rsp, -64 * Kept.Length);
        for (var i = 0; i < Kept.Length; i++)
            move(new(Register.Rsp, 64 * i), Kept[i]);
        if (direction > 0)
            code.Add(Register.Rsp, 64 * Kept.Length);
    }

    /// <summary>Points the registers of <see cref="Strided"/> to rows.</summary>
    void LoadRows(Memory first, Memory stride, int scale)
    {
        code.Mov(First, first);
        code.Mov(Stride, stride);
        code.Lea(Fourth, Strided(1, scale));
        code.Lea(Fourth, new(Fourth, 0, Stride, 2 * scale));
    }

    /// <summary>A row, whose distance to the next is the stride times <paramref name="scale"/>.</summary>
    static Memory Strided(int row, int scale)
    {
        var memory = new Memory(row < 3 ? First : Fourth);
        return row % 3 == 0 ? memory : memory with { Index = Stride, Scale = row % 3 * scale };
    }
}
