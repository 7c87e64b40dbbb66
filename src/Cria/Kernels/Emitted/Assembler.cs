using System.Buffers.Binary;

namespace Cria.Kernels.Emitted;

/// <summary>
/// Encodes the few x86-64 instructions that the kernels are made of; methods are named by the processor's mnemonics, destination first.
/// Vector instructions are EVEX at 512 bits (Intel SDM volume 2, section 2.7).
/// </summary>
sealed class Assembler
{
    /// <summary>The opcode map and the mandatory prefix, as EVEX numbers them.</summary>
    const int Map0F = 1, Map0F38 = 2, Map0F3A = 3, NoPrefix = 0, Prefix66 = 1, PrefixF3 = 2;

    readonly List<byte> _code = [];

    public byte[] ToArray() => [.. _code];

    /// <summary>Where the next instruction will be.</summary>
    public int Here => _code.Count;

    public void Vmovups(Zmm to, Memory from) => Vector(Map0F, NoPrefix, 0x10, to.Number, 0, from);

    public void Vmovups(Memory to, Zmm from) => Vector(Map0F, NoPrefix, 0x11, from.Number, 0, to);

    public void Vmovaps(Zmm to, Zmm from) => Vector(Map0F, NoPrefix, 0x28, to.Number, 0, from);

    public void Vpbroadcastd(Zmm to, Memory from) => Vector(Map0F38, Prefix66, 0x58, to.Number, 0, from, bytes: 4);

    /// <summary>The lower 32 bits of a general register in all lanes.</summary>
    public void Vpbroadcastd(Zmm to, Register from) => Vector(Map0F38, Prefix66, 0x7C, to.Number, 0, new Zmm((int)from));

    public void Vpandd(Zmm to, Zmm a, Operand b) => Vector(Map0F, Prefix66, 0xDB, to.Number, a.Number, b);

    public void Vpxord(Zmm to, Zmm a, Operand b) => Vector(Map0F, Prefix66, 0xEF, to.Number, a.Number, b);

    /// <summary>to |= a &amp; b.</summary>
    public void VpternlogdOrAnd(Zmm to, Zmm a, Zmm b) => Vector(Map0F3A, Prefix66, 0x25, to.Number, a.Number, b, immediate: 0xF8);

    public void Vpslld(Zmm to, Operand from, byte bits) => Vector(Map0F, Prefix66, 0x72, 6, to.Number, from, immediate: bits);

    public void Vpsrld(Zmm to, Operand from, byte bits) => Vector(Map0F, Prefix66, 0x72, 2, to.Number, from, immediate: bits);

    public void Vpsrad(Zmm to, Operand from, byte bits) => Vector(Map0F, Prefix66, 0x72, 4, to.Number, from, immediate: bits);

    /// <summary>Adds to each lane its four products of an unsigned with a signed byte (AVX512_VNNI).</summary>
    public void Vpdpbusd(Zmm sum, Zmm unsigned, Operand signed) => Vector(Map0F38, Prefix66, 0x50, sum.Number, unsigned.Number, signed);

    /// <summary>Adds to each lane its two products of shorts (AVX512_VNNI).</summary>
    public void Vpdpwssd(Zmm sum, Zmm a, Operand b) => Vector(Map0F38, Prefix66, 0x52, sum.Number, a.Number, b);

    public void Vpmulld(Zmm to, Zmm a, Operand b) => Vector(Map0F38, Prefix66, 0x40, to.Number, a.Number, b);

    public void Vpaddd(Zmm to, Zmm a, Operand b) => Vector(Map0F, Prefix66, 0xFE, to.Number, a.Number, b);

    /// <summary>Signed bytes to lanes.</summary>
    public void Vpmovsxbd(Zmm to, Memory from) => Vector(Map0F38, Prefix66, 0x21, to.Number, 0, from, bytes: 16);

    /// <summary>Unsigned bytes to shorts.</summary>
    public void Vpmovzxbw(Zmm to, Memory from) => Vector(Map0F38, Prefix66, 0x30, to.Number, 0, from, bytes: 32);

    /// <summary>
    /// Adds to each float32 lane its product of upper, then that of lower BF16 halves, each sum rounded once; subnormal numbers count
    /// as zero (AVX512_BF16).
    /// </summary>
    public void Vdpbf16ps(Zmm sum, Zmm a, Operand b) => Vector(Map0F38, PrefixF3, 0x52, sum.Number, a.Number, b);

    public void Vcvtdq2ps(Zmm to, Operand from) => Vector(Map0F, NoPrefix, 0x5B, to.Number, 0, from);

    public void Vcvtph2ps(Zmm to, Memory from) => Vector(Map0F38, Prefix66, 0x13, to.Number, 0, from, bytes: 32);

    public void Vmulps(Zmm to, Zmm a, Operand b) => Vector(Map0F, NoPrefix, 0x59, to.Number, a.Number, b);

    /// <summary>sum += a * b, rounded once.</summary>
    public void Vfmadd231ps(Zmm sum, Zmm a, Operand b) => Vector(Map0F38, Prefix66, 0xB8, sum.Number, a.Number, b);

    public void Vzeroupper() => Bytes(0xC5, 0xF8, 0x77);

    public void Ret() => _code.Add(0xC3);

    public void Push(Register register) => Bytes((byte)(0x40 | (int)register >> 3), (byte)(0x50 | (int)register & 7));

    public void Pop(Register register) => Bytes((byte)(0x40 | (int)register >> 3), (byte)(0x58 | (int)register & 7));

    /// <summary>64 bits of memory.</summary>
    public void Mov(Register to, Memory from) => General([0x8B], (int)to, from);

    /// <summary>A constant of 32 bits; the upper 32 become zero.</summary>
    public void Mov(Register to, uint value)
    {
        Bytes((byte)(0x40 | (int)to >> 3), (byte)(0xB8 | (int)to & 7));
        Int32((int)value);
    }

    /// <summary>The address of memory.</summary>
    public void Lea(Register to, Memory from) => General([0x8D], (int)to, from);

    public void Add(Register to, int value)
    {
        Bytes((byte)(0x48 | (int)to >> 3), 0x81, (byte)(0xC0 | (int)to & 7));
        Int32(value);
    }

    /// <summary>Back to <paramref name="start"/> unless the last <see cref="Add"/> gave zero.</summary>
    public void Jnz(int start)
    {
        Bytes(0x0F, 0x85);
        Int32(start - (Here + 4));
    }

    public void Prefetcht0(Memory at) => General([0x0F, 0x18], 1, at);

    void General(ReadOnlySpan<byte> opcode, int register, Memory memory)
    {
        Bytes((byte)(0x48 | register >> 3 << 2 | (int)(memory.Index ?? 0) >> 3 << 1 | (int)memory.Base >> 3));
        Bytes(opcode);
        Address(register, memory, 1);
    }

    /// <param name="map">Opcode map.</param>
    /// <param name="prefix">Mandatory prefix.</param>
    /// <param name="opcode">Opcode.</param>
    /// <param name="register">The register operand, or the opcode's extension.</param>
    /// <param name="second">The second operand, 0 where there is none.</param>
    /// <param name="last">The last operand.</param>
    /// <param name="bytes">Bytes of memory that are read: what short displacements count in.</param>
    /// <param name="immediate">The byte behind the instruction.</param>
    void Vector(int map, int prefix, byte opcode, int register, int second, Operand last, int bytes = 64, byte? immediate = null)
    {
        var memory = last.Memory;
        var (low, high) = last.Vector is { } vector ? (vector.Number >> 3, vector.Number >> 4) : ((int)memory.Base >> 3, (int)(memory.Index ?? 0) >> 3);
        Bytes(
            0x62,
            (byte)(Inverted(register >> 3, 7) | Inverted(high, 6) | Inverted(low, 5) | Inverted(register >> 4, 4) | map),
            (byte)((~second & 15) << 3 | 4 | prefix),
            (byte)(0x40 | (memory.Broadcast ? 0x10 : 0) | Inverted(second >> 4, 3)),
            opcode);
        if (last.Vector is { } rm)
            _code.Add((byte)(0xC0 | (register & 7) << 3 | rm.Number & 7));
        else
            Address(register, memory, memory.Broadcast ? 4 : bytes);
        if (immediate is { } value)
            _code.Add(value);
    }

    static int Inverted(int bit, int place) => (~bit & 1) << place;

    /// <summary>ModRM, SIB and the displacement: one byte that counts in <paramref name="unit"/>s where it can be, else four.</summary>
    void Address(int register, Memory memory, int unit)
    {
        var isShort = memory.Displacement % unit == 0 && memory.Displacement / unit is >= sbyte.MinValue and <= sbyte.MaxValue;
        var indexed = memory.Index is not null || memory.Base == Register.Rsp;
        _code.Add((byte)((isShort ? 0x40 : 0x80) | (register & 7) << 3 | (indexed ? 4 : (int)memory.Base & 7)));
        if (indexed)
            _code.Add((byte)(int.Log2(memory.Scale) << 6 | ((int)(memory.Index ?? Register.Rsp) & 7) << 3 | (int)memory.Base & 7));
        if (isShort)
            _code.Add((byte)(memory.Displacement / unit));
        else
            Int32(memory.Displacement);
    }

    void Bytes(params ReadOnlySpan<byte> bytes) => _code.AddRange(bytes);

    void Int32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        Bytes(bytes);
    }
}
