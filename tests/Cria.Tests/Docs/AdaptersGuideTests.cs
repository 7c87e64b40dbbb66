using System.Text.RegularExpressions;
using Cria.Chat;
using Cria.Models;
using Cria.Tests.Cli;
using Cria.Tests.Images;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Docs;

/// <summary>The examples of docs/adapters.md run.</summary>
[Collection(CommandLine.Name)]
public sealed partial class AdaptersGuideTests
{
    static readonly string Guide = File.ReadAllText(Path.Combine(TestFiles.Root, "docs", "adapters.md"));

    [Fact]
    public async Task ExamplesRunAndCodeOfTheGuideCompiles()
    {
        using var folder = new TestModel();
        using (var pocket = TextModel.Load("pocket"))
        {
            var c = pocket.Config;
            var shape = new TestShape { Hidden = c.HiddenSize, Layers = c.LayerCount, Heads = c.HeadCount, KvHeads = c.KvHeadCount, HeadSize = c.HeadSize, FeedForward = c.FeedForwardSize, Vocabulary = 8 };
            TestAdapters.Write(folder.File("my-adapter"), TestAdapters.Products(shape, n => n.Contains("q_proj") || n.Contains("v_proj"), seed: 1));
        }
        var vision = new TestShape { WithTokenizer = true, Vocabulary = TestModels.TokenizerSize, Layers = 3, CrossLayers = [1] };
        using var model = TestModels.Write(vision);
        Directory.Move(model.Path, folder.File("vision"));
        Directory.CreateDirectory(model.Path);
        TestAdapters.Write(folder.File("vision-adapter"), TestAdapters.Products(vision, n => n.Contains("_proj.") || n.Contains(".fc"), seed: 1));
        File.WriteAllBytes(folder.File("photo.jpg"), TestImages.Jpeg(80, 60));
        var before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = folder.Path;
        try
        {
            foreach (var line in Block().Matches(Guide).SelectMany(m => m.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)))
            {
                var (exit, _, error) = CommandLine.Run([.. Argument().Matches(line).Skip(1).Select(m => m.Value.Trim('"'))]);
                Assert.True(exit == 0, $"{line}: {error}");
            }
            await Example();
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
        var compiled = File.ReadAllText(Path.Combine(TestFiles.Root, "tests", "Cria.Tests", "Docs", "AdaptersGuideTests.cs"));
        Assert.All(CSharp().Match(Guide).Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Contains(line, compiled));
    }

    static async Task Example()
    {
        using var client = CriaChatClient.Load("pocket");
        using var adapter = client.GetService<TextModel>()!.LoadAdapter("my-adapter");
        var options = new ChatOptions { MaxOutputTokens = 8, AdditionalProperties = new() { ["adapter"] = adapter } };
        Console.WriteLine(await client.GetResponseAsync("Who are you?", options)); // with the adapter
        Console.WriteLine(await client.GetResponseAsync("Who are you?"));          // without
    }

    [GeneratedRegex(@"^```sh\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^```csharp\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharp();

    [GeneratedRegex(@"""[^""]*""|\S+")]
    private static partial Regex Argument();
}
