namespace Cria.Kernels.Emitted;

/// <summary>A function that reads or writes up to six rows at one distance: two pointers and a stride reach them.</summary>
class RowFunction(Assembler code, bool windows) : Function(code, windows)
{
    /// <summary>The pointers to the first and to the fourth row; a loop advances both.</summary>
    public const Register First = Register.Rax, Fourth = Register.Rcx;

    const Register Stride = Register.Rdx;

    /// <summary>Points the registers to rows.</summary>
    public void LoadRows(Memory first, Memory stride, int scale)
    {
        Code.Mov(First, first);
        Code.Mov(Stride, stride);
        Code.Lea(Fourth, Strided(1, scale));
        Code.Lea(Fourth, new(Fourth, 0, Stride, 2 * scale));
    }

    /// <summary>A row, whose distance to the next is the stride times <paramref name="scale"/>.</summary>
    public static Memory Strided(int row, int scale)
    {
        var memory = new Memory(row < 3 ? First : Fourth);
        return row % 3 == 0 ? memory : memory with { Index = Stride, Scale = row % 3 * scale };
    }
}
