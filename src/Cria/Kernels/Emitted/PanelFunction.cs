using Cria.Kernels.Panels;

namespace Cria.Kernels.Emitted;

/// <summary>
/// A function void (PanelTile*) that multiplies two panels with some rows of activations: pointers, loop over blocks, outputs. What
/// belongs to a panel and a row of activations is number 2 * row + panel of an array.
/// </summary>
sealed unsafe class PanelFunction(Assembler code, int rows, bool windows) : RowFunction(code, windows)
{
    /// <summary>Rows of activations; more would not fit the vector registers.</summary>
    public const int MostRows = 6;

    /// <summary>How far ahead weights are asked for: small batches meet them when they come from memory.</summary>
    const int Ahead = 4096;

    const Register Tile = Register.R11, Blocks = Register.R10;

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
}
