using System.Text.RegularExpressions;
using Cria.Tests.Cli;
using Cria.Tests.Images;

namespace Cria.Tests.Docs;

/// <summary>The examples of the guides run, and docs/commands.md and the README speak of commands that exist.</summary>
[Collection(CommandLine.Name)]
public sealed partial class CommandsGuideTests
{
    static readonly string Guide = ReadGuide("commands.md");

    static readonly string Readme = File.ReadAllText(Path.Combine(TestFiles.Root, "README.md"));

    static string ReadGuide(string name) => File.ReadAllText(Path.Combine(TestFiles.Root, "docs", name));

    /// <summary>The fenced blocks: the words behind the fence, and the text.</summary>
    static List<(string Info, string Text)> Blocks(string guide) => [.. Fence().Matches(ReadGuide(guide)).Select(m => (m.Groups[1].Value, m.Groups[2].Value))];

    /// <summary>The lines of `cria --help` that name verbs.</summary>
    static IReadOnlyList<string> Verbs => [.. CommandLine.Run("--help").Output.Split("Commands:")[1].Split('\n')
        .Select(l => Word().Match(l)).Where(m => m.Success).Select(m => m.Value.Trim())];

    [Theory]
    [InlineData("commands.md")]
    [InlineData("generation.md")]
    [InlineData("quantization.md")]
    public void ExamplesRunAndPrintWhatTheGuideSays(string guide)
    {
        var blocks = Blocks(guide);
        Assert.NotEmpty(blocks);
        using var folder = new TestModel();
        foreach (var (info, text) in blocks)
            if (info.Split(' ') is [_, var file])
            {
                Directory.CreateDirectory(Path.GetDirectoryName(folder.File(file))!);
                File.WriteAllText(folder.File(file), text);
            }
        File.WriteAllBytes(folder.File("weights.f32"), new byte[2 * 256 * sizeof(float)]);
        File.WriteAllBytes(folder.File("photo.jpg"), TestImages.Jpeg(80, 60));
        var before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = folder.Path;
        try
        {
            string? last = null;
            foreach (var (info, text) in blocks)
            {
                if (info == "output")
                    Assert.Equal(text.TrimEnd(), last?.TrimEnd());
                foreach (var line in info == "sh" ? text.Split('\n', StringSplitOptions.RemoveEmptyEntries) : [])
                {
                    Assert.StartsWith("cria ", line);
                    string[] arguments = [.. Argument().Matches(line).Skip(1).Select(m => m.Value.Trim('"'))];
                    var (exit, output, error) = CommandLine.Run(arguments);
                    Assert.True(exit == 0, $"{line}: {error}");
                    last = output;
                }
            }
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    [Fact]
    public void GuideHasASectionOnEveryVerb()
    {
        var headings = string.Join(' ', Heading().Matches(Guide).Select(m => m.Groups[1].Value));
        Assert.All(Verbs, verb => Assert.Matches($@"\b{verb}\b", headings));
    }

    [Fact]
    public void VerbsAreThese() => Assert.Equal(["models", "pull", "inspect", "tokenize", "detokenize", "logits", "preprocess", "render", "toolcalls", "generate", "chat", "embed", "score", "rank", "locate", "serve", "bench", "eval", "quantize", "imatrix", "convert", "dequantize", "quantize-rows"], Verbs);

    [Fact]
    public void ReadmeNamesVerbsThatExist()
    {
        var named = ReadmeVerb().Matches(Readme).Select(m => m.Groups[1].Value).ToList();
        Assert.NotEmpty(named);
        Assert.Subset(Verbs.ToHashSet(), named.ToHashSet());
    }

    [Fact]
    public void ReadmeExampleIsCodeThatCompiles()
    {
        var compiled = File.ReadAllText(Path.Combine(TestFiles.Root, "tests", "Cria.Tests", "Docs", "ReadmeExample.cs"));
        var example = Assert.Single(Fence().Matches(Readme), m => m.Groups[1].Value == "csharp").Groups[2].Value;
        Assert.All(example.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Contains(line, compiled));
    }

    [Fact]
    public void EveryVerbExplainsItself() => Assert.All(Verbs, verb =>
    {
        var (exit, output, _) = CommandLine.Run(verb, "--help");
        Assert.Equal(0, exit);
        Assert.Contains("Options:", output);
    });

    [GeneratedRegex(@"^```([^\n]*)\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"Cria\.Cli -c Release -- ([a-z]+)")]
    private static partial Regex ReadmeVerb();

    [GeneratedRegex(@"^  [a-z]+(-[a-z]+)*\b")]
    private static partial Regex Word();

    [GeneratedRegex(@"""[^""]*""|\S+")]
    private static partial Regex Argument();

    [GeneratedRegex(@"^## (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
