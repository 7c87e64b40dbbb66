namespace Cria.Kernels.Emitted;

/// <summary>
/// The general registers that no calling convention asks a callee to keep, those of a first argument, and the stack pointer.
/// </summary>
enum Register
{
    Rax = 0,
    Rcx = 1,
    Rdx = 2,
    Rsp = 4,
    Rdi = 7,
    R8 = 8,
    R9 = 9,
    R10 = 10,
    R11 = 11,
}

/// <summary>One of the 32 vector registers of 512 bits.</summary>
readonly record struct Zmm(int Number);

/// <summary>
/// The memory at base + index * scale + displacement; a broadcast one gives its 32 bits to every lane of an instruction that takes a
/// vector.
/// </summary>
readonly record struct Memory(Register Base, int Displacement = 0, Register? Index = null, int Scale = 1, bool Broadcast = false)
{
    public Memory At(int offset) => this with { Displacement = Displacement + offset };

    /// <summary>The 32 bits at an offset in all lanes.</summary>
    public Memory Each(int offset) => At(offset) with { Broadcast = true };
}

/// <summary>The last operand of a vector instruction: a register or memory.</summary>
readonly record struct Operand(Zmm? Vector, Memory Memory)
{
    public static implicit operator Operand(Zmm vector) => new(vector, default);

    public static implicit operator Operand(Memory memory) => new(null, memory);
}
