using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Cria.Kernels.Emitted;

namespace Cria.Kernels.Panels;

/// <summary>The integer instructions that products of panels use. All give the same integers and add floats in the same order.</summary>
abstract class PanelKernels(string name, int bits)
{
    /// <summary>What this processor has, the fastest first.</summary>
    public static IReadOnlyList<PanelKernels> All { get; } =
    [
        .. Emission.HasVnni ? [new Emitted(Widest)] : Array.Empty<PanelKernels>(),
        .. Avx512BW.IsSupported ? [Widest] : Array.Empty<PanelKernels>(),
        .. AvxVnni.IsSupported ? [new PanelKernels<Panel256<VnniDot>, Vector256<int>>("AVX2 and AVX-VNNI", 256)] : Array.Empty<PanelKernels>(),
        .. Avx2.IsSupported ? [new PanelKernels<Panel256<SignDot>, Vector256<int>>("AVX2", 256)] : Array.Empty<PanelKernels>(),
        new PanelKernels<Panel128, Vector128<int>>("128 bits", 128),
    ];

    static PanelKernels Widest => AvxVnni.IsSupported ? new Wide<VnniDot>("AVX-512 and AVX-VNNI") : new Wide<SignDot>("AVX-512");

    /// <summary>The fastest of no more than a number of bits.</summary>
    public static PanelKernels OfBits(int most) => All.First(k => k.Bits <= most);

    /// <summary>Bits of the widest vector.</summary>
    public int Bits => bits;

    public override string ToString() => name;

    /// <summary>The tiles of a format.</summary>
    public abstract PanelTiles Tiles(PanelFormat format);

    /// <summary>512 bits, but 256 for codes of 8 bits: they need the dot product that .NET has in that width only.</summary>
    sealed class Wide<D>(string name) : PanelKernels(name, 512) where D : struct, IDot256
    {
        public override PanelTiles Tiles(PanelFormat format) =>
            format.NeedsDot ? format.Tiles<Panel256<D>, Vector256<int>>() : format.Tiles<Panel512, Vector512<int>>();
    }

    /// <summary>512-bit VNNI in machine code for several rows of activations, where there is some for the format.</summary>
    sealed unsafe class Emitted(PanelKernels intrinsics) : PanelKernels("AVX-512 VNNI", 512)
    {
        public override PanelTiles Tiles(PanelFormat format)
        {
            var tiles = intrinsics.Tiles(format);
            return format.Emitted == null ? tiles : new(tiles.One, format.Emitted, PanelFormat.Rows, PanelFunction.MostRows, anyNumber: true);
        }
    }
}

/// <summary>One vector width for all.</summary>
sealed class PanelKernels<W, V>(string name, int bits) : PanelKernels(name, bits) where W : struct, IPanelWidth<V> where V : struct
{
    public override PanelTiles Tiles(PanelFormat format) => format.Tiles<W, V>();
}
