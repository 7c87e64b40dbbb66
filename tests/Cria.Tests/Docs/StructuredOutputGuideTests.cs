using System.Text.RegularExpressions;
using Cria.Tests.Cli;

namespace Cria.Tests.Docs;

/// <summary>The examples of docs/structured-output.md run.</summary>
[Collection(CommandLine.Name)]
public sealed partial class StructuredOutputGuideTests
{
    [Fact]
    public void ExamplesRun()
    {
        using var folder = new TestModel();
        File.WriteAllText(folder.File("place.json"), """{"type":"object","properties":{"city":{"type":"string","maxLength":20},"year":{"type":"integer","minimum":0}},"required":["city"],"additionalProperties":false}""");
        File.WriteAllText(folder.File("sum.gbnf"), "root ::= number (\"+\" number)*\nnumber ::= [0-9]+");
        var before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = folder.Path;
        try
        {
            var guide = File.ReadAllText(Path.Combine(TestFiles.Root, "docs", "structured-output.md"));
            foreach (var line in Block().Match(guide).Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var arguments = Argument().Matches(line).Skip(1).Select(m => m.Value.Trim('"')).ToList();
                var (exit, output, error) = CommandLine.Run([.. arguments]);
                Assert.True(exit == 0, $"{line}: {error}");
                if (arguments.Contains("--regex"))
                    Assert.Matches("^(red|green|blue)\n?$", output.ReplaceLineEndings("\n"));
            }
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    [GeneratedRegex(@"^```sh\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"""[^""]*""|\S+")]
    private static partial Regex Argument();
}
