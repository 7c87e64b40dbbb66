namespace Cria.Kernels.Emitted;

/// <summary>What every function has that is called with one pointer: where its registers come from, how it begins and ends.</summary>
class Function(Assembler code, bool windows)
{
    /// <summary>Vector registers of which Windows asks a callee to keep the lower 128 bits.</summary>
    static readonly Zmm[] Kept = [.. Enumerable.Range(6, 10).Select(i => new Zmm(i))];

    readonly List<(Zmm Vector, uint Value)> _constants = [];

    int _vectors, _stackBytes = windows ? 64 * Kept.Length : 0;

    public Assembler Code => code;

    /// <summary>A register that nothing else uses.</summary>
    public Zmm Vector() => new(_vectors++);

    /// <inheritdoc cref="Vector"/>
    public Zmm[] Vectors(int count) => [.. Enumerable.Range(0, count).Select(_ => Vector())];

    /// <summary>Room for vectors on the stack.</summary>
    public Memory[] Places(int count)
    {
        var first = _stackBytes;
        _stackBytes += 64 * count;
        return [.. Enumerable.Range(0, count).Select(i => new Memory(Register.Rsp, first + 64 * i))];
    }

    /// <summary>A register that has <paramref name="value"/> in all lanes from <see cref="Begin"/> on.</summary>
    public Zmm Constant(uint value)
    {
        var vector = Vector();
        _constants.Add((vector, value));
        return vector;
    }

    /// <summary>The argument comes to <paramref name="pointer"/>.</summary>
    public void Begin(Register pointer)
    {
        code.Add(Register.Rsp, -_stackBytes);
        for (var i = 0; windows && i < Kept.Length; i++)
            code.Vmovups(new Memory(Register.Rsp, 64 * i), Kept[i]);
        foreach (var (vector, value) in _constants)
        {
            code.Mov(pointer, value);
            code.Vpbroadcastd(vector, pointer);
        }
        code.Lea(pointer, new(windows ? Register.Rcx : Register.Rdi));
    }

    public void End()
    {
        for (var i = 0; windows && i < Kept.Length; i++)
            code.Vmovups(Kept[i], new Memory(Register.Rsp, 64 * i));
        code.Add(Register.Rsp, _stackBytes);
        code.Vzeroupper();
        code.Ret();
    }

    /// <summary>
    /// The addresses of functions for 1 to <paramref name="most"/> rows, with the convention of this system; none where it allows no
    /// executable memory.
    /// </summary>
    public static unsafe nint[] Load(int most, Action<Assembler, int, bool> emit)
    {
        var code = new Assembler();
        var starts = new int[most];
        for (var rows = 1; rows <= most; rows++)
        {
            starts[rows - 1] = code.Here;
            emit(code, rows, OperatingSystem.IsWindows());
        }
        var address = ExecutableMemory.TryLoad(code.ToArray());
        return address == null ? [] : [.. starts.Select(start => (nint)address + start)];
    }
}
