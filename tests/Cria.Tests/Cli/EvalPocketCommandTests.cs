using System.Text.Json.Nodes;
using Cria.Cli.Commands;
using Cria.Evaluation.Pocket;
using Cria.Tests.Evaluation;

namespace Cria.Tests.Cli;

public sealed class EvalPocketCommandTests
{
    [Fact]
    public async Task JsonHoldsTheScoresAndFailuresTheItemsWithoutFullMarks()
    {
        var options = new PocketEvaluationOptions { ItemsPerFamily = 60 };
        var client = PocketClient.Oracle(options, item => item.Prompt[^1].Text.Contains("polite", StringComparison.Ordinal) ? PocketClient.Text("no") : null);
        var report = await PocketEvaluation.RunAsync(client, options, cancellation: TestContext.Current.CancellationToken);
        var json = JsonNode.Parse(Output.ToJson(w => EvalPocketCommand.Write(w, report)))!;
        Assert.Equal(PocketWorld.Families.Select(f => f.Name), json["families"]!.AsObject().Select(p => p.Key));
        Assert.Equal(1, (double)json["families"]!["translate"]!);
        Assert.Equal(report.Mean, (double)json["mean"]!, tolerance: 1e-6);
        Assert.InRange(report.Mean, 0.9, 0.99);

        var failures = EvalPocketCommand.Failures(report).TrimEnd('\n').Split('\n').Select(l => JsonNode.Parse(l)!).ToList();
        Assert.Equal(report.Transcripts.Count(t => t.Score < 1), failures.Count);
        Assert.All(failures, f => Assert.Equal(("rewrite", "no"), ((string)f["family"]!, (string)f["reply"]!)));
    }

    [Fact]
    public async Task AModelsScoresAreTheSameInEveryRun()
    {
        using var model = TestModels.Write(new TestShape { WithTokenizer = true });
        var file = model.File("failures.jsonl");
        string[] arguments = ["eval", "pocket", "--model", model.Path, "--items", "2", "--seed", "4", "--failures", file, "--json"];
        var (code, output, error) = await CommandLine.RunAsync("", arguments);
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(0, (double)JsonNode.Parse(output)!["mean"]!);
        var failures = File.ReadAllText(file);
        Assert.Equal(2 * PocketWorld.Families.Count, failures.Count(c => c == '\n'));
        Assert.Equal((0, output, ""), await CommandLine.RunAsync("", [.. arguments, "--threads", "1"]));
        Assert.Equal(failures, File.ReadAllText(file));
    }

    [Theory]
    [InlineData("--items", "0")]
    [InlineData("--items", "many")]
    [InlineData("--threads", "2000")]
    [InlineData("--threads", "all")]
    [InlineData("--seed", "-1")]
    public async Task AWrongNumberExitsWithTwoAndOneLine(string option, string value)
    {
        var (code, output, error) = await CommandLine.RunAsync("", "eval", "pocket", option, value);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(option, Assert.Single(error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }
}
