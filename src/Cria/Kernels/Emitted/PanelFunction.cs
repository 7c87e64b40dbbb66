using Cria.Kernels.Panels;

namespace Cria.Kernels.Emitted;

/// <summary>
/// A function void (PanelTile*) that multiplies two panels with some rows of activations: pointers, loop over blocks, outputs. What
/// belongs to a panel and a row of activations is number 2 * row + panel of an array.
/// </summary>
sealed unsafe class PanelFunction(Assembler code, int rows, bool windows) : Function(code, windows)
{
    /// <summary>Rows of activations that two pointers and a stride reach; more would not fit the vector registers either.</summary>
    public const int MostRows = 6;

    /// <summary>How far ahead weights are asked for: small batches meet them when they come from memory.</summary>
    const int Ahead = 4096;

    const Register Tile = Register.R11, First = Register.Rax, Fourth = Register.Rcx, Stride = Register.Rdx, Blocks = Register.R10;

    public int Rows => rows;

    /// <summary>The block of a panel that the loop is at.</summary>
    public static Memory Panel(int panel) => new(panel == 0 ? Register.R8 : Register.R9);

    /// <summary>The block of a row of activations that the loop is at.</summary>
    public static Memory Row(int row) => Strided(row, 1);

    /// <summary>Asks for what a panel has some blocks after <paramref name="at"/>.</summary>
    public void Prefetch(int panel, int at) => Code.Prefetcht0(Panel(panel).At(at + Ahead));

    /// <summary>Emits the function; <paramref name="body"/> adds <paramref name="blocks"/> blocks to the sums.</summary>
    public void Emit(Zmm[] sums, int blocks, int panelBytes, int activationBytes, Action body)
    {
        PanelTile tile;
        var start = (byte*)&tile;
        Memory Field(void* field) => new(Tile, (int)((byte*)field - start));

        Begin(Tile);
        Code.Mov(Register.R8, Field(&tile.Panel0));
        Code.Mov(Register.R9, Field(&tile.Panel1));
        LoadRows(Field(&tile.X0), Field(&tile.XBytes), 1);
        foreach (var sum in sums)
            Code.Vpxord(sum, sum, sum);
        Code.Mov(Blocks, Field(&tile.Blocks));

        var loop = Code.Here;
        body();
        Code.Add(Register.R8, panelBytes);
        Code.Add(Register.R9, panelBytes);
        Code.Add(First, activationBytes);
        Code.Add(Fourth, activationBytes);
        Code.Add(Blocks, -blocks);
        Code.Jnz(loop);

        LoadRows(Field(&tile.Y), Field(&tile.Stride), sizeof(float));
        for (var i = 0; i < sums.Length; i++)
            Code.Vmovups(Strided(i / 2, sizeof(float)).At(i % 2 * 64), sums[i]);
        End();
    }

    /// <summary>Points the registers of <see cref="Strided"/> to rows.</summary>
    void LoadRows(Memory first, Memory stride, int scale)
    {
        Code.Mov(First, first);
        Code.Mov(Stride, stride);
        Code.Lea(Fourth, Strided(1, scale));
        Code.Lea(Fourth, new(Fourth, 0, Stride, 2 * scale));
    }

    /// <summary>A row, whose distance to the next is the stride times <paramref name="scale"/>.</summary>
    static Memory Strided(int row, int scale)
    {
        var memory = new Memory(row < 3 ? First : Fourth);
        return row % 3 == 0 ? memory : memory with { Index = Stride, Scale = row % 3 * scale };
    }
}
