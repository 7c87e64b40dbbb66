using Cria.Formats;
using Cria.Training.Data;
using Cria.Training.Modules;
using static TorchSharp.torch;

namespace Cria.Training.Tests;

public sealed class TrainerTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("cria-test-").FullName;

    static readonly ModelConfig Config = new()
    {
        HiddenSize = 32,
        LayerCount = 2,
        HeadCount = 2,
        KvHeadCount = 1,
        HeadSize = 16,
        FeedForwardSize = 48,
        VocabularySize = 40,
        MaxPositions = 256,
        NormEpsilon = 1e-5f,
        RopeTheta = 500000,
        TiedEmbeddings = true,
    };

    static readonly TrainingOptions Options = new() { Steps = 24, RowLength = 32, Rows = 2, Accumulation = 2, WarmUp = 4, CheckpointEvery = 8, ValidateEvery = 8, ValidationBatches = 2 };

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public void AResumedRunHasTheLossesOfAnUninterruptedOne(int threads, bool muon)
    {
        var options = Options with { Threads = threads, Muon = muon };
        Train("whole", options);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Train("parts", options, stop, stopAt: 13));
        Train("parts", options);
        Assert.Equal(Losses("whole"), Losses("parts"));
        Assert.Equal(24, Losses("whole").Count);
    }

    [Fact]
    public void ARunThatDiedBetweenCheckpointsGoesOnFromTheLastOne()
    {
        Train("whole", Options);
        Assert.Throws<InvalidOperationException>(() => Train("parts", Options, failAt: 12)); // nothing is saved at the end of the world
        Train("parts", Options);
        Assert.Equal(Losses("whole"), Losses("parts"));
    }

    [Fact]
    public void TwoWorkersGiveTheLossesOfOne()
    {
        Train("one", Options);
        Train("two", Options with { Threads = 2 });
        Assert.Equal(Losses("one"), Losses("two")); // each works on one of the two micro-batches; the sum is the same
    }

    [Fact]
    public void TrainingLowersTheLoss()
    {
        Train("run", Options with { Steps = 60, PeakRate = 1e-2 });
        var losses = Losses("run");
        Assert.True(losses[^1] < losses[0] / 2, $"{losses[0]} to {losses[^1]}");
    }

    [Fact]
    public void OnlyTheLastTwoCheckpointsStay()
    {
        Train("run", Options with { Steps = 40 });
        Assert.Equal(["checkpoint-000032", "checkpoint-000040"], TrainingRun.Checkpoints(Path.Combine(_directory, "run")).Select(Path.GetFileName));
    }

    [Fact]
    public void ADamagedCheckpointIsOneClearError()
    {
        Train("run", Options);
        var checkpoint = TrainingRun.Checkpoints(Path.Combine(_directory, "run")).Last();
        var tensors = Path.Combine(checkpoint, "training.safetensors");
        File.WriteAllBytes(tensors, File.ReadAllBytes(tensors)[..^100]);
        var error = Assert.Throws<CriaException>(() => Train("run", Options with { Steps = 30 }));
        Assert.Contains("training.safetensors", error.Message);
        File.WriteAllText(Path.Combine(checkpoint, "state.json"), "{");
        Assert.Contains("state.json", Assert.Throws<CriaException>(() => Train("run", Options with { Steps = 30 })).Message);
    }

    [Fact]
    public void TheLossCurveIsAPng()
    {
        Train("run", Options);
        new TrainingRun(Path.Combine(_directory, "run"), "run").DrawLoss();
        Assert.Equal("PNG"u8.ToArray(), File.ReadAllBytes(Path.Combine(_directory, "run", "loss.png"))[1..4]);
    }

    /// <summary>Trains on counting; cancels or fails while a certain step reads its documents.</summary>
    void Train(string name, TrainingOptions options, CancellationTokenSource? stop = null, int stopAt = -1, int failAt = -1)
    {
        random.manual_seed(7);
        using var model = new TextModule(Config);
        Trainer? trainer = null;
        TrainingDocument Document(long i)
        {
            if (trainer?.StepCount == stopAt)
                stop!.Cancel();
            if (trainer?.StepCount == failAt)
                throw new InvalidOperationException("power cut");
            return TrainingDocument.Text([.. Enumerable.Range((int)(i * 11 % 30), 8).Select(t => t % 40)]);
        }
        var run = new TrainingRun(Path.Combine(_directory, name), name);
        trainer = new Trainer(model, Document, i => TrainingDocument.Text([.. Enumerable.Range((int)i % 20, 6)]), options, run);
        using (trainer)
        {
            if (run.Last() is { } checkpoint)
                trainer.Resume(checkpoint);
            trainer.Run(stop?.Token ?? CancellationToken.None);
        }
    }

    List<double> Losses(string name) => [.. new MetricsLog(Path.Combine(_directory, name, "metrics.jsonl")).ReadAll().Training.Select(p => p.Loss)];
}
