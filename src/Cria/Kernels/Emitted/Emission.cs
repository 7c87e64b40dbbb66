using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels.Emitted;

/// <summary>
/// Instructions that .NET has no intrinsics for and this processor has. The environment variable CRIA_EMITTED=0 switches their use off.
/// </summary>
static class Emission
{
    static bool IsOn { get; } = Avx512BW.IsSupported && X86Base.X64.IsSupported && Environment.GetEnvironmentVariable("CRIA_EMITTED") != "0";

    /// <summary>512-bit dot products of bytes.</summary>
    public static bool HasVnni { get; } = IsOn && (X86Base.CpuId(7, 0).Ecx >> 11 & 1) != 0;

    /// <summary>512-bit dot products of BF16.</summary>
    public static bool HasBF16 { get; } = IsOn && (X86Base.CpuId(7, 1).Eax >> 5 & 1) != 0;
}
