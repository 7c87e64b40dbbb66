using System.Runtime.InteropServices;
using Cria.Kernels.Emitted;
using Cria.Kernels.Panels;

namespace Cria.Tests.Kernels.Emitted;

public sealed unsafe class PanelFunctionTests
{
    const int Rows = 6, Blocks = 4, KeptFloats = 10 * 16;

    /// <summary>
    /// Under System V a fourth argument comes where Windows has the first. Around the function its vector registers 6 to 15 are set and stored.
    /// </summary>
    [Fact]
    public void TheWindowsConventionGivesTheSameAndKeepsItsRegisters()
    {
        Assert.SkipUnless(Emission.HasVnni && !OperatingSystem.IsWindows(), "needs AVX512_VNNI and the System V convention");
        var code = new Assembler();
        for (var i = 6; i < 16; i++)
        {
            code.Mov(Register.R10, (uint)i);
            code.Vpbroadcastd(new Zmm(i), Register.R10);
        }
        BlockKernel<NibbleForm>.Emit(new PanelFunction(code, Rows, windows: true));
        var after = new Assembler();
        after.Mov(Register.Rax, new Memory(Register.R11, (int)Marshal.OffsetOf<PanelTile>(nameof(PanelTile.Y))));
        for (var i = 6; i < 16; i++)
            after.Vmovups(new Memory(Register.Rax, 64 * (i - 6 + 2 * Rows)), new Zmm(i));
        after.Ret();
        var windows = (delegate* unmanaged<nint, nint, nint, PanelTile*, void>)ExecutableMemory.TryLoad([.. code.ToArray()[..^1], .. after.ToArray()]);

        var tile = new PanelTile { Blocks = Blocks, Rows = Rows, Stride = 32, XBytes = Blocks * QuantizedRow.Bytes32 };
        var (panels, x) = (new byte[2 * 288 * Blocks], new byte[Rows * (int)tile.XBytes]);
        new Random(1).NextBytes(panels);
        new Random(2).NextBytes(x);
        var (expected, got) = (new int[Rows * 32], new int[Rows * 32 + KeptFloats]);
        fixed (byte* panel = panels, row = x)
        fixed (int* one = expected, other = got)
        {
            tile.Panel0 = panel;
            tile.Panel1 = panel + 288 * Blocks;
            tile.X0 = row;
            tile.Y = (float*)one;
            EmittedTiles<BlockKernel<NibbleForm>>.Tile(tile);
            tile.Y = (float*)other;
            windows(0, 0, 0, &tile);
        }
        Assert.Equal(expected, got[..expected.Length]);
        for (var i = 0; i < KeptFloats; i++)
            if (i % 16 < 4)
                Assert.Equal(6 + i / 16, got[expected.Length + i]);
    }
}
