using System.Text.RegularExpressions;
using Cria.Chat;
using Cria.Images;
using Cria.Tests.Cli;
using Cria.Tests.Images;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Docs;

/// <summary>The examples of docs/images.md run, with a tiny random model.</summary>
[Collection(CommandLine.Name)]
public sealed partial class ImagesGuideTests
{
    static readonly string Guide = File.ReadAllText(Path.Combine(TestFiles.Root, "docs", "images.md"));

    [Fact]
    public async Task ExamplesRun()
    {
        using var model = TestModels.Write(new() { WithTokenizer = true, Layers = 3, CrossLayers = [1] });
        using var folder = new TestModel();
        Directory.Move(model.Path, folder.File("vision"));
        Directory.CreateDirectory(model.Path);
        File.WriteAllBytes(folder.File("photo.jpg"), TestImages.Jpeg(80, 60));
        File.WriteAllBytes(folder.File("other.png"), TestImages.Png(40, 90));
        var before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = folder.Path;
        try
        {
            foreach (var line in Block("sh"))
            {
                var (exit, output, error) = CommandLine.Run([.. Argument().Matches(line).Skip(1).Select(m => m.Value.Trim('"'))]);
                Assert.True(exit == 0, $"{line}: {error}");
                Assert.True(output.Length > 0 || File.Exists("tiles.safetensors"), line);
            }
            await ExampleAsync();
            Assert.True(File.ReadAllBytes("boxes.png").AsSpan(1).StartsWith("PNG"u8));
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    static async Task ExampleAsync()
    {
        using IChatClient client = CriaChatClient.Load("vision");
        var photo = new DataContent(File.ReadAllBytes("photo.jpg"), "image/jpeg");
        var answer = await client.GetResponseAsync(new ChatMessage(ChatRole.User, [photo, new TextContent("What is this?")]));
        var caption = await client.CaptionAsync(photo);
        var total = await client.AnswerFromDocumentAsync(photo, "What is the total?");
        var boxes = await client.LocateAsync(photo, "every dog");
        File.WriteAllBytes("boxes.png", GroundingBox.Draw(photo.Data.Span, "photo.jpg", boxes));
        var texts = await client.RankTextsAsync(photo, ["a dog on a beach", "a street at night"]);
        var images = await client.RankImagesAsync("a dog on a beach", [photo, new DataContent(File.ReadAllBytes("other.png"), "image/png")]);
        Assert.All([answer.Text, caption, total], Assert.NotNull);
        Assert.Equal((2, 2), (texts.Count, images.Count));
    }

    [Fact]
    public void TheExampleIsTheCodeAbove()
    {
        var compiled = File.ReadAllText(Path.Combine(TestFiles.Root, "tests", "Cria.Tests", "Docs", "ImagesGuideTests.cs"));
        Assert.All(Block("csharp"), line => Assert.Contains($"        {line}\n", compiled));
    }

    static string[] Block(string kind) => Regex.Match(Guide, $"^```{kind}\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"""[^""]*""|\S+")]
    private static partial Regex Argument();
}
