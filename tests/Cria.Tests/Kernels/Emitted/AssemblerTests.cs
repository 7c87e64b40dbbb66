using Cria.Kernels.Emitted;

namespace Cria.Tests.Kernels.Emitted;

public sealed class AssemblerTests
{
    static readonly Memory Strided = new(Register.Rcx, 0, Register.Rdx, 2);

    /// <summary>The bytes are those of GNU as; where it leaves out a displacement of zero or shortens a constant, its disassembler read ours.</summary>
    static readonly (string Bytes, Action<Assembler> Emit)[] Instructions =
    [
        ("62C17C48104809", a => a.Vmovups(new Zmm(17), new Memory(Register.R8, 0x240))),
        ("62717C48114CD101", a => a.Vmovups(new Memory(Register.Rcx, 0x40, Register.Rdx, 8), new Zmm(9))),
        ("62F17C48117C2401", a => a.Vmovups(new Memory(Register.Rsp, 0x40), new Zmm(7))),
        ("62617C4828F5", a => a.Vmovaps(new Zmm(30), new Zmm(5))),
        ("62627D48587C510B", a => a.Vpbroadcastd(new Zmm(31), Strided.At(0x2C))),
        ("62527D487CE2", a => a.Vpbroadcastd(new Zmm(12), Register.R10)),
        ("62412540DB4140", a => a.Vpandd(new Zmm(24), new Zmm(27), new Memory(Register.R9, 0x1000))),
        ("62A17D40EFC0", a => a.Vpxord(new Zmm(16), new Zmm(16), new Zmm(16))),
        ("62D1354072500204", a => a.Vpsrld(new Zmm(25), new Memory(Register.R8, 0x80), 4)),
        ("62F1155872645115" + "04", a => a.Vpsrad(new Zmm(13), Strided.Each(0x54), 4)),
        ("6203254025CEF8", a => a.VpternlogdOrAnd(new Zmm(25), new Zmm(27), new Zmm(30))),
        ("62D1254072700704", a => a.Vpslld(new Zmm(27), new Memory(Register.R8, 0x1C0), 4)),
        ("62723D5052645059", a => a.Vpdpwssd(new Zmm(12), new Zmm(24), new Memory(Register.Rax, 0x164, Register.Rdx, 2).Each(0))),
        ("62B2554040E6", a => a.Vpmulld(new Zmm(4), new Zmm(21), new Zmm(22))),
        ("62710D48FEF2", a => a.Vpaddd(new Zmm(14), new Zmm(14), new Zmm(2))),
        ("62527D48214004", a => a.Vpmovsxbd(new Zmm(8), new Memory(Register.R8, 0x40))),
        ("62527D48304103", a => a.Vpmovzxbw(new Zmm(8), new Memory(Register.R9, 0x60))),
        ("62823D4050E2", a => a.Vpdpbusd(new Zmm(20), new Zmm(24), new Zmm(26))),
        ("62F21E40525C5110", a => a.Vdpbf16ps(new Zmm(3), new Zmm(28), Strided.At(0x400))),
        ("62E17C485BD2", a => a.Vcvtdq2ps(new Zmm(18), new Zmm(2))),
        ("62427D48134101", a => a.Vcvtph2ps(new Zmm(24), new Memory(Register.R9, 0x20))),
        ("626134505954510A", a => a.Vmulps(new Zmm(26), new Zmm(25), Strided.Each(0x28))),
        ("62322D40B8DB", a => a.Vfmadd231ps(new Zmm(11), new Zmm(26), new Zmm(19))),
        ("C5F877", a => a.Vzeroupper()),
        ("4153", a => a.Push(Register.R11)),
        ("4058", a => a.Pop(Register.Rax)),
        ("C3", a => a.Ret()),
        ("4D8B4308", a => a.Mov(Register.R8, new Memory(Register.R11, 8))),
        ("4A8D4C9108", a => a.Lea(Register.Rcx, new Memory(Register.Rcx, 8, Register.R10, 4))),
        ("62917C4810449040", a => a.Vmovups(new Zmm(0), new Memory(Register.R8, 0x1000, Register.R10, 4))),
        ("41BA0F0F0F0F", a => a.Mov(Register.R10, 0x0F0F0F0F)),
        ("488D4CD100", a => a.Lea(Register.Rcx, new Memory(Register.Rcx, 0, Register.Rdx, 8))),
        ("4981C2FEFFFFFF", a => a.Add(Register.R10, -2)),
        ("4881C480FDFFFF", a => a.Add(Register.Rsp, -640)),
        ("0F85FAFFFFFF", a => a.Jnz(0)),
        ("490F188940100000", a => a.Prefetcht0(new Memory(Register.R9, 0x1040))),
    ];

    [Fact]
    public void InstructionsAreEncodedAsAnAssemblerDoes()
    {
        foreach (var (bytes, emit) in Instructions)
        {
            var code = new Assembler();
            emit(code);
            Assert.Equal(bytes, Convert.ToHexString(code.ToArray()));
        }
    }
}
