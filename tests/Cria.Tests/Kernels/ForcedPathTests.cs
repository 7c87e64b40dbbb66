using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using Cria.Kernels;
using Cria.Kernels.Panels;
using Cria.Tests.Kernels.Panels;
using Cria.Tests.Models;

namespace Cria.Tests.Kernels;

/// <summary>
/// The tests of kernels and models once more on what an older processor has: in processes of their own, in which the runtime is told to
/// leave newer instructions alone. One without AVX has no fused multiplication either, and the runtime's replacement takes minutes; its 128
/// bits are tested on every processor as one of the kernels.
/// </summary>
public sealed class ForcedPathTests
{
    const string Expected = "CRIA_TEST_KERNELS", Off = "0";

    static readonly Type[] Classes =
    [
        typeof(ForcedPathTests), typeof(PanelMatrixTests), typeof(MatrixProductTests), typeof(AttentionTests), typeof(RowOperationsTests), typeof(WalshHadamardTests),
        typeof(TextModelTests), typeof(GoldenTextTests), typeof(GoldenGgufTests), typeof(MetaQuantizedTests), typeof(VisionModelTests), typeof(GoldenVisionTests),
    ];

    [Theory, Trait("Category", "Long")]
    [InlineData("AVX-512", "EnableAVXVNNI")]
    [InlineData("AVX2 and AVX-VNNI", "EnableAVX512")]
    [InlineData("AVX2", "EnableAVX512", "EnableAVXVNNI")]
    public async Task AnOlderProcessorPassesTheSameTests(string kernels, params string[] without)
    {
        Assert.SkipUnless(Avx2.IsSupported && Environment.GetEnvironmentVariable(Expected) is null, "a processor with AVX2, told nothing yet");
        Assert.SkipUnless(kernels.Contains("512", StringComparison.Ordinal) ? Avx512BW.IsSupported : !kernels.Contains("VNNI", StringComparison.Ordinal) || AvxVnni.IsSupported, "this processor has none of these");
        var start = new ProcessStartInfo("dotnet", [typeof(ForcedPathTests).Assembly.Location, "--filter-class", .. Classes.Select(c => c.FullName!)]) { RedirectStandardOutput = true };
        foreach (var instructions in without)
            start.Environment["DOTNET_" + instructions] = Off;
        start.Environment["CRIA_EMITTED"] = Off;
        start.Environment[Expected] = kernels;
        using var tests = Process.Start(start)!;
        var output = await tests.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await tests.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(tests.ExitCode == 0, output);
    }

    /// <summary>Without this, a switch that a new runtime renames would go unnoticed.</summary>
    [Fact]
    public void TheKernelsAreThoseAskedFor()
    {
        var expected = Environment.GetEnvironmentVariable(Expected);
        Assert.SkipWhen(expected is null, "only in a process with instructions switched off");
        Assert.Equal(expected, $"{PanelKernels.All[0]}");
        Assert.Equal(PanelKernels.All[0].Bits, KernelSet.Best.Bits);
    }
}
