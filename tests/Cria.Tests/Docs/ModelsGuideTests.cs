using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cria.Chat;
using Cria.Conversion;
using Cria.Hub;
using Cria.Tests.Cli;
using Cria.Tests.Hub;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Docs;

/// <summary>The examples of docs/models.md run, against a hub on the loopback.</summary>
[Collection(CommandLine.Name)]
public sealed partial class ModelsGuideTests
{
    static readonly string Guide = File.ReadAllText(Path.Combine(TestFiles.Root, "docs", "models.md"));

    [Fact]
    public void ExamplesRunAndPullsNameWhatModelsLists()
    {
        using var hub = Hub();
        WithEnvironment(hub, () =>
        {
            foreach (Match fence in Shell().Matches(Guide))
                foreach (var line in fence.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                {
                    var (exit, _, error) = CommandLine.Run([.. Argument().Matches(line).Skip(1).Select(m => m.Value.Trim('"'))]);
                    Assert.True(exit == 0, $"{line}: {error}");
                }
            var pulled = JsonNode.Parse(CommandLine.Run("pull", "org/llama-GGUF:q8_0", "--json").Output)!;
            Assert.Equal(("org/llama-GGUF:Q8_0", 0), ((string)pulled["name"]!, (int)pulled["bytes_fetched"]!));
            var listed = JsonNode.Parse(CommandLine.Run("models", "--json").Output)!["models"]!.AsArray();
            Assert.Contains(listed, m => (string)m!["name"]! == "org/llama-GGUF:Q8_0" && (string)m["path"]! == (string)pulled["path"]!);
        });
    }

    [Fact]
    public void AFailedPullIsOneLineAndExitCodeOne()
    {
        using var hub = Hub();
        WithEnvironment(hub, () =>
        {
            var (exit, output, error) = CommandLine.Run("pull", "org/other");
            Assert.Equal((1, "", 1), (exit, output, error.Count(c => c == '\n')));
            Assert.StartsWith("cria: org/other: there is no such repository", error);
        });
    }

    [Fact]
    public void CodeOfTheGuideCompilesAndRuns()
    {
        using var hub = Hub();
        WithEnvironment(hub, () => Example().GetAwaiter().GetResult());
        var compiled = File.ReadAllText(Path.Combine(TestFiles.Root, "tests", "Cria.Tests", "Docs", "ModelsGuideTests.cs"));
        Assert.All(CSharp().Match(Guide).Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Contains(line, compiled));
    }

    static async Task Example()
    {
        foreach (var model in LocalModels.Find())
            Console.WriteLine($"{model.Name}  {model.Bytes} bytes  {model.FindProblem()}");
        await ModelHub.PullAsync("org/llama-GGUF:Q8_0");
        using var client = CriaChatClient.Load("org/llama-GGUF:Q8_0");
        Assert.Equal("org/llama-GGUF:Q8_0", ((ChatClientMetadata)client.GetService(typeof(ChatClientMetadata))!).DefaultModelId);
    }

    static TestHub Hub()
    {
        var hub = new TestHub("org/llama-GGUF");
        using var model = TestModels.Write(new TestShape { WithTokenizer = true, Hidden = 64, FeedForward = 64 });
        foreach (var type in (string[])["q8_0", "q4_0"])
        {
            GgufConversion.Write(model.Path, model.File(type), QuantizationRecipe.Find(type), 1, null, TestContext.Current.CancellationToken);
            hub.Files[$"llama-{type}.gguf"] = File.ReadAllBytes(model.File(type));
        }
        return hub;
    }

    /// <summary>The environment is the process's; the collection runs alone.</summary>
    static void WithEnvironment(TestHub hub, Action run)
    {
        (string Name, string? Value)[] variables = [("HF_ENDPOINT", hub.Server.Address.AbsoluteUri), ("HF_HUB_CACHE", hub.Cache), ("HF_TOKEN", null), ("HF_HUB_OFFLINE", null)];
        var before = variables.Select(v => Environment.GetEnvironmentVariable(v.Name)).ToList();
        try
        {
            foreach (var (name, value) in variables)
                Environment.SetEnvironmentVariable(name, value);
            run();
        }
        finally
        {
            foreach (var (variable, value) in variables.Zip(before))
                Environment.SetEnvironmentVariable(variable.Name, value);
        }
    }

    [GeneratedRegex(@"^```sh\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Shell();

    [GeneratedRegex(@"^```csharp\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharp();

    [GeneratedRegex(@"""[^""]*""|\S+")]
    private static partial Regex Argument();
}
