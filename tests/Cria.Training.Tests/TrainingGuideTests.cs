using Cria.Chat;
using Cria.Tests;
using Microsoft.Extensions.AI;

namespace Cria.Training.Tests;

public sealed class TrainingGuideTests
{
    /// <summary>The commands of docs/training.md, as they stand there, but writing to a folder of the test's own; the fine-tuned model answers as the guide's example asks.</summary>
    [Fact]
    public async Task TheGuidesTrainingCommandsRunAndWriteModels()
    {
        var runs = Directory.CreateTempSubdirectory("cria-test-").FullName;
        try
        {
            var commands = File.ReadLines(Path.Combine(TestFiles.Root, "docs", "training.md")).Where(l => l.StartsWith("cria-train ", StringComparison.Ordinal)).ToList();
            Assert.Equal(2, commands.Count);
            foreach (var command in commands)
                Assert.Equal(0, await Program.Main([.. command.Replace("--out runs", "--out " + runs).Replace("--data docs", "--data " + Path.Combine(TestFiles.Root, "docs")).Split(' ')[1..]]));
            foreach (var run in (string[])["llamas", "base"])
                Assert.True(File.Exists(Path.Combine(runs, run, "loss.png")));
            using (Formats.Checkpoint.Open(Path.Combine(runs, "base", "model")))
            using (var client = CriaChatClient.Load(Path.Combine(runs, "llamas", "model")))
                Assert.Equal("The llama, of course.", (await client.GetResponseAsync("What is your favourite animal?", cancellationToken: TestContext.Current.CancellationToken)).Text);
        }
        finally
        {
            Directory.Delete(runs, recursive: true);
        }
    }
}
