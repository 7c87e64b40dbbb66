using Cria.Kernels.Panels;

namespace Cria.Kernels.Emitted;

/// <summary>The description of a kernel for panels.</summary>
interface IPanelKernel
{
    /// <summary>Emits it for <see cref="PanelFunction.Rows"/> rows of activations.</summary>
    static abstract void Emit(PanelFunction function);
}

/// <summary>A kernel's machine code, made when it is first used.</summary>
static unsafe class EmittedTiles<K> where K : struct, IPanelKernel
{
    static readonly nint[] Functions = Function.Load(PanelFunction.MostRows, (code, rows, windows) => K.Emit(new PanelFunction(code, rows, windows)));

    /// <summary>Two panels times <see cref="PanelTile.Rows"/> rows of activations; null where there is no memory for the code.</summary>
    public static delegate*<in PanelTile, void> Tile => Functions.Length > 0 ? &Run : null;

    static void Run(in PanelTile tile)
    {
        fixed (PanelTile* pointer = &tile)
            ((delegate* unmanaged<PanelTile*, void>)Functions[tile.Rows - 1])(pointer);
    }
}
