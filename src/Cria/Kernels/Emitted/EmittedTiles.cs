using System.Runtime.InteropServices;
using Cria.Kernels.Panels;

namespace Cria.Kernels.Emitted;

/// <summary>The description of a kernel for panels.</summary>
interface IPanelKernel
{
    /// <summary>Emits it for <see cref="PanelFunction.Rows"/> rows of activations.</summary>
    static abstract void Emit(PanelFunction function);
}

/// <summary>A kernel's machine code, one function for each number of rows of activations, made when it is first used.</summary>
static unsafe class EmittedTiles<K> where K : struct, IPanelKernel
{
    static readonly nint[] Functions = Load();

    /// <summary>Whether there is memory for the code.</summary>
    public static bool IsSupported => Functions.Length > 0;

    /// <summary>Two panels times <see cref="PanelTile.Rows"/> rows of activations.</summary>
    public static void Many(in PanelTile tile)
    {
        fixed (PanelTile* pointer = &tile)
            ((delegate* unmanaged<PanelTile*, void>)Functions[tile.Rows - 1])(pointer);
    }

    /// <summary>The code of all functions, and where each begins.</summary>
    public static byte[] Assemble(bool windows, out int[] starts)
    {
        var code = new Assembler();
        starts = new int[PanelFunction.MostRows];
        for (var rows = 1; rows <= starts.Length; rows++)
        {
            starts[rows - 1] = code.Here;
            K.Emit(new PanelFunction(code, rows, windows));
        }
        return code.ToArray();
    }

    static nint[] Load()
    {
        var code = Assemble(RuntimeInformation.IsOSPlatform(OSPlatform.Windows), out var starts);
        var address = ExecutableMemory.TryLoad(code);
        return address == null ? [] : [.. starts.Select(start => (nint)address + start)];
    }
}
