using System.Text.RegularExpressions;
using Cria.Tests.Cli;

namespace Cria.Tests.Docs;

/// <summary>The programs of samples/ run on pocket.</summary>
public sealed partial class SampleTests
{
    [Fact]
    public async Task ConsoleChatAnswersLineByLine()
    {
        var answers = (await RunAsync("ConsoleChat", "Who are you?\nWhat can you do?\n\n")).Split("> ");
        Assert.Equal(4, answers.Length);
        Assert.Contains("pocket", answers[1]);
        Assert.Contains("summarise", answers[2]);
    }

    [Fact]
    public async Task ToolUseCallsTheFunctionAndTellsWhatItGave()
    {
        var output = await RunAsync("ToolUse", "", "pocket", "What is the weather in Paris?");
        Assert.StartsWith("(looking out of the window in Paris)\n", output);
        Assert.Contains("21 C", output);
    }

    [Fact]
    public async Task StructuredExtractionGetsAnObject() =>
        Assert.Matches(Appointment(), await RunAsync("StructuredExtraction"));

    [Fact]
    public async Task SummariseFileTellsThePlanThatCounts() =>
        Assert.Equal("Meeting: Friday, 5 pm, museum.\nClara brings the lamp.\n", await RunAsync("SummariseFile"));

    [Fact]
    public async Task NotesSearchAnswersFromTheNoteThatItFinds() =>
        Assert.Equal("Who lives in Lima?\nOmar lives in Lima.\nWho has a lamp?\nClara has a lamp.\n", await RunAsync("NotesSearch"));

    [Fact]
    public async Task MinimalApiStreamsTheAnswer()
    {
        using var process = Start("MinimalApi", "--urls", "http://127.0.0.1:0");
        try
        {
            string? line;
            do
                line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
            while (line is not null && !Listening().IsMatch(line));
            using var http = new HttpClient();
            var events = (await http.GetStringAsync($"{Listening().Match(line!).Groups[1].Value}/chat?question=Who%20are%20you%3F", TestContext.Current.CancellationToken)).Split('\n').Where(l => l.StartsWith("data: ", StringComparison.Ordinal)).ToList();
            Assert.True(events.Count > 5);
            Assert.Contains("pocket", string.Concat(events.Select(e => e["data: ".Length..])));
        }
        finally
        {
            process.Kill();
        }
    }

    [Fact]
    public void TheGuideNamesAllSamples()
    {
        var folder = Path.Combine(TestFiles.Root, "samples");
        var guide = File.ReadAllText(Path.Combine(folder, "README.md"));
        Assert.All(Directory.EnumerateDirectories(folder), sample => Assert.Contains($"({Path.GetFileName(sample)}/Program.cs)", guide));
    }

    static async Task<string> RunAsync(string sample, string input = "", params string[] arguments)
    {
        var (code, output, error) = await CommandLine.FinishAsync(Start(sample, arguments), input);
        Assert.Equal((0, ""), (code, error));
        return output.ReplaceLineEndings("\n");
    }

    /// <summary>Starts the build of the configuration that runs here.</summary>
    static System.Diagnostics.Process Start(string sample, params string[] arguments)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return CommandLine.StartProgram(Path.Combine(TestFiles.Root, "artifacts", "bin", sample, configuration, $"{sample}.dll"), [], arguments);
    }

    [GeneratedRegex(@"^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{1,2}:00, .{0,20}\n$", RegexOptions.Singleline)]
    private static partial Regex Appointment();

    [GeneratedRegex(@"Now listening on: (\S+)")]
    private static partial Regex Listening();
}
