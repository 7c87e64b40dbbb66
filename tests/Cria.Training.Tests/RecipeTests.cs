using Cria.Formats;
using Cria.Tests;

namespace Cria.Training.Tests;

/// <summary>The commands of `cria-train` as a user runs them, in this process.</summary>
public sealed class RecipeTests : IDisposable
{
    readonly TestModel _model = TestModels.Write(new TestShape { WithTokenizer = true, Seed = 3 });

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task SftTeachesAModelItsDialoguesAndWritesAModelTheEngineOpens()
    {
        var data = Write("chats.jsonl", Enumerable.Repeat("""{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"the world"}]}""", 8));
        var (code, _) = await Run("sft", "--model", _model.Path, "--data", data, "--out", Out, "--steps", "30", "--rows", "2", "--row-length", "64", "--rate", "0.01", "--warm-up", "2", "--threads", "1");
        Assert.Equal(0, code);
        var losses = new MetricsLog(Path.Combine(Out, "metrics.jsonl")).ReadAll().Training;
        Assert.True(losses[^1].Loss < losses[0].Loss / 10, $"{losses[0].Loss} to {losses[^1].Loss}");
        using var checkpoint = Checkpoint.Open(Path.Combine(Out, "model"));
        Assert.Equal(TestModels.TokenizerSize, checkpoint.Config.VocabularySize);
        Assert.True(File.Exists(Path.Combine(Out, "loss.png")));
    }

    [Fact]
    public async Task PretrainMakesANewModelOfTheGivenShapeAndResumes()
    {
        var data = Write("text.txt", [string.Join("\n\n\n", Enumerable.Range(0, 20).Select(i => $"hello world {i}"))]);
        string[] arguments = ["pretrain", "--data", data, "--tokenizer", _model.Path, "--out", Out, "--hidden", "32", "--layers", "1", "--heads", "2", "--kv-heads", "1",
            "--head-size", "16", "--feed-forward", "48", "--rows", "2", "--row-length", "32", "--threads", "1", "--steps"];
        Assert.Equal(0, (await Run([.. arguments, "4"])).Code);
        using (var checkpoint = Checkpoint.Open(Path.Combine(Out, "model")))
            Assert.Equal((32, 1, 2, 1, 16, 48), (checkpoint.Config.HiddenSize, checkpoint.Config.LayerCount, checkpoint.Config.HeadCount, checkpoint.Config.KvHeadCount, checkpoint.Config.HeadSize, checkpoint.Config.FeedForwardSize));
        var (code, error) = await Run([.. arguments, "6"]);
        Assert.Equal(1, code);
        Assert.Contains("--resume", error);
        Assert.Equal(0, (await Run([.. arguments, "6", "--resume"])).Code);
        Assert.Equal(6, new MetricsLog(Path.Combine(Out, "metrics.jsonl")).ReadAll().Training.Count);
    }

    [Theory]
    [InlineData("not json", "chats.jsonl:2")]
    [InlineData("""{"messages":[{"role":"king","content":"x"}]}""", "chats.jsonl:2: messages[0].role")]
    [InlineData("""{"text":"x"}""", "messages is missing")]
    public async Task ABadLineIsNamedWithItsFileAndNumber(string line, string expected)
    {
        var data = Write("chats.jsonl", ["""{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}""", line]);
        var (code, error) = await Run("sft", "--model", _model.Path, "--data", data, "--out", Out, "--threads", "1");
        Assert.Equal(1, code);
        Assert.Contains(expected, error);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task WrongArgumentsExitWithTwoAndMissingFilesWithOne()
    {
        Assert.Equal(2, (await Run("sft", "--out", Out)).Code);
        Assert.Equal(2, (await Run("pretrain", "--data", "x", "--out", Out, "--rows", "0")).Code);
        Assert.Equal(2, (await Run("sft", "--data", "", "--out", "")).Code);
        var (code, error) = await Run("sft", "--data", "x", "--out", Out, "--steps", "many");
        Assert.Equal(2, code);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Equal(1, (await Run("sft", "--model", _model.Path, "--data", _model.File("none.jsonl"), "--out", Out, "--threads", "1")).Code);
    }

    string Out => _model.File("out");

    string Write(string name, IEnumerable<string> lines)
    {
        File.WriteAllLines(_model.File(name), lines);
        return _model.File(name);
    }

    static async Task<(int Code, string Error)> Run(params string[] arguments)
    {
        var (error, before) = (new StringWriter(), Console.Error);
        Console.SetError(error);
        try
        {
            return (await Program.Main(arguments), error.ToString());
        }
        finally
        {
            Console.SetError(before);
        }
    }
}
