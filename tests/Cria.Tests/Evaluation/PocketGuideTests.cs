using System.Text.RegularExpressions;
using Cria.Evaluation.Pocket;

namespace Cria.Tests.Evaluation;

public sealed partial class PocketGuideTests
{
    static readonly string Guide = File.ReadAllText(Path.Combine(TestFiles.Root, "docs", "pocket.md")).ReplaceLineEndings("\n");

    [Fact]
    public void ExamplesInTheGuideAreWhatTheGeneratorMakes()
    {
        var examples = Example().Matches(Guide);
        Assert.Equal(PocketWorld.Families.Select(f => f.Name), examples.Select(e => e.Groups["family"].Value));
        foreach (Match example in examples)
        {
            var family = PocketWorld.Families.Single(f => f.Name == example.Groups["family"].Value);
            var item = PocketWorld.Item(family, PocketSplit.Test, ulong.Parse(example.Groups["seed"].Value), long.Parse(example.Groups["index"].Value));
            Assert.Equal($"{PocketWorld.PromptText(item)}assistant: {PocketWorld.TextOf(item.Answer)}\n", example.Groups["text"].Value);
        }
    }

    [GeneratedRegex(@"^### (?<family>\w+)\n(?:(?!```)[^\n]*\n)*?[^\n]*\(test item (?<index>\d+) of seed (?<seed>\d+)\):?\n+```text\n(?<text>.*?)```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Example();
}
