using System.ComponentModel;
using System.Diagnostics;

namespace Cria.Tests.Server;

/// <summary>The npm clients of OpenAI and Anthropic, where there are node and a registry to install them from.</summary>
public sealed class NodeClientsTests(RunningServer server) : IClassFixture<RunningServer>
{
    static readonly string[] Packages = ["openai@6.49.0", "@anthropic-ai/sdk@1.14.0"];

    [Fact]
    [Trait("Category", "Long")]
    public async Task ChatStreamsToolsAndErrorsAreWhatTheClientsExpect()
    {
        using var folder = new TestModel();
        var (installed, log) = await RunAsync("npm", folder.Path, ["install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", folder.Path, .. Packages]);
        Assert.SkipUnless(installed, $"the npm packages cannot be installed here: {log}");
        File.Copy(Path.Combine(TestFiles.Root, "tests", "Cria.Tests", "Server", "clients.mjs"), folder.File("clients.mjs"));
        var (passed, output) = await RunAsync("node", folder.Path, ["clients.mjs", server.Url.GetLeftPart(UriPartial.Authority)]);
        Assert.True(passed, output);
        Assert.Equal(10, output.Split('\n').Count(l => l.StartsWith("passed", StringComparison.Ordinal)));
    }

    static async Task<(bool Succeeded, string Output)> RunAsync(string program, string folder, string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            return (process.ExitCode == 0, await output + await error);
        }
        catch (Win32Exception e)
        {
            return (false, e.Message);
        }
    }
}
