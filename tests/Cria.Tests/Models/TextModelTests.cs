using Cria.Formats;
using Cria.Kernels;
using Cria.Models;
using Cria.Tensors;
using CsCheck;

namespace Cria.Tests.Models;

public sealed class TextModelTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };

    public static TheoryData<int, ElementType, bool> WidthsAndTypes()
    {
        var data = new TheoryData<int, ElementType, bool>();
        foreach (var kernels in KernelSet.All)
            foreach (var type in new[] { ElementType.F32, ElementType.F16, ElementType.BF16 })
                data.Add(kernels.Bits, type, type != ElementType.F16);
        return data;
    }

    [Theory, MemberData(nameof(WidthsAndTypes))]
    public void LogitsMatchTheFormulasInDoublePrecision(int bits, ElementType type, bool tied)
    {
        using var files = TestModels.Write(new TestShape { Type = type, Tied = tied, ScaledRope = tied, Hidden = 36, HeadSize = 20, KvHeads = 1 });
        using var model = new TextModel(Checkpoint.Open(files.Path), Exact, KernelSet.All.Single(k => k.Bits == bits));
        using var checkpoint = Checkpoint.Open(files.Path);
        var tokens = Tokens(100, 96, seed: 5);
        var expected = new NaiveTextModel(checkpoint).Logits(tokens);
        var logits = Alone(model, tokens);
        for (var i = 0; i < tokens.Length; i++)
            for (var t = 0; t < 96; t++)
                Assert.Equal(expected[i][t], logits[i][t], 2e-4);
    }

    /// <summary>Rows that want a state, logits, both or nothing, in more than one pass: each gets what it wants, the same bits as alone.</summary>
    [Fact]
    public void StatesAreThoseThatTheHeadReads()
    {
        using var files = TestModels.Write();
        using var model = TextModel.Load(files.Path, Exact);
        using var checkpoint = Checkpoint.Open(files.Path);
        var tokens = Tokens(300, 96, seed: 6);
        var (exact, alone) = (new NaiveTextModel(checkpoint).States(tokens[..60]), Alone(model, tokens));
        using var sequence = model.CreateSequence();
        Row[] rows = [.. tokens.Select((t, i) => new Row(sequence, i, t, WantsLogits: i % 3 == 0, WantsState: i % 4 != 0))];
        var (logits, states) = (new float[rows.Count(r => r.WantsLogits) * 96], new float[rows.Count(r => r.WantsState) * 48]);
        model.Forward(rows, logits, states, TestContext.Current.CancellationToken);
        Assert.Equal(rows.Where(r => r.WantsLogits).SelectMany(r => alone[r.Position]), logits);
        foreach (var (row, state) in rows.Where(r => r.WantsState).Zip(states.Chunk(48)).TakeWhile(r => r.First.Position < 60))
            Assert.All(state.Zip(exact[row.Position]), s => Assert.Equal(s.Second, s.First, 2e-4));

        using var steps = model.CreateSequence();
        var one = new float[48];
        foreach (var row in rows.Where(r => r.WantsState).Zip(states.Chunk(48)))
        {
            Read(model, steps, tokens[steps.Length..row.First.Position]);
            model.Forward([row.First with { Sequence = steps, WantsLogits = false }], [], one, TestContext.Current.CancellationToken);
            Assert.Equal(one, row.Second);
        }
        Assert.Throws<ArgumentException>(() => model.Forward([new(steps, 300, 1, false, WantsState: true)], [], new float[47], TestContext.Current.CancellationToken));
    }

    public static TheoryData<ElementType, KvType> WeightsAndCaches() => new(
        (ElementType.F32, KvType.F32), (ElementType.F16, KvType.F16), (ElementType.BF16, KvType.BF16), (ElementType.BF16, KvType.Q8_0));

    /// <summary>The law of the engine: however texts are cut and mixed, on however many threads, every row gets the same bits.</summary>
    [Theory, MemberData(nameof(WeightsAndCaches))]
    public void LogitsDoNotDependOnBatchChunksOrThreads(ElementType type, KvType kv)
    {
        using var files = TestModels.Write(new TestShape { Type = type, HeadSize = 32, Heads = 6, KvHeads = 2, Hidden = 104, FeedForward = 200, Vocabulary = 130 });
        int[] lengths = [1, 37, 64, 65, 131, 200];
        var texts = lengths.Select((n, i) => Tokens(n, 130, seed: i)).ToArray();
        float[][][] expected;
        using (var model = TextModel.Load(files.Path, new ModelOptions { Kv = kv, Threads = 1 }))
            expected = [.. texts.Select(t => OneByOne(model, t))];

        foreach (var threads in new[] { 1, 2, 3 })
        {
            foreach (var compute in new[] { ComputeType.Auto, ComputeType.F32 })
            {
                using var model = TextModel.Load(files.Path, new ModelOptions { Compute = compute, Kv = kv, Threads = threads });
                Gen.Int.Sample(seed => Check(model, texts, expected, new Random(seed)), iter: 4, threads: 1); // a model has one caller at a time
                Assert.Equal(0, model.CacheBytes);
            }
        }
    }

    /// <summary>Random steps: some texts get a random number of their next tokens, neighbours or interleaved.</summary>
    static void Check(TextModel model, int[][] texts, float[][][] expected, Random random)
    {
        var vocabulary = model.Config.VocabularySize;
        var sequences = texts.Select(_ => model.CreateSequence()).ToArray();
        while (sequences.Select((s, i) => s.Length < texts[i].Length).Any(unfinished => unfinished))
        {
            var queues = Enumerable.Range(0, texts.Length).Where(_ => random.Next(3) > 0)
                .Select(i => (Text: i, Next: sequences[i].Length, End: Math.Min(texts[i].Length, sequences[i].Length + random.Next(random.Next(2) == 0 ? 3 : 150))))
                .Where(q => q.Next < q.End).ToList();
            var rows = new List<(int Text, Row Row)>();
            while (queues.Count > 0)
            {
                var pick = random.Next(queues.Count);
                var (text, next, end) = queues[pick];
                for (var burst = random.Next(1, 80); burst > 0 && next < end; burst--, next++)
                    rows.Add((text, new Row(sequences[text], next, texts[text][next], random.Next(4) > 0)));
                if (next == end)
                    queues.RemoveAt(pick);
                else
                    queues[pick] = (text, next, end);
            }
            var wanted = rows.Where(r => r.Row.WantsLogits).ToList();
            var logits = new float[wanted.Count * vocabulary];
            model.Step([.. rows.Select(r => r.Row)], logits);
            for (var i = 0; i < wanted.Count; i++)
                Assert.True(logits.AsSpan(i * vocabulary, vocabulary).SequenceEqual(expected[wanted[i].Text][wanted[i].Row.Position]),
                    $"text {wanted[i].Text} at {wanted[i].Row.Position}");
            if (random.Next(3) == 0) // forget a little and read it again
            {
                var back = sequences[random.Next(sequences.Length)];
                back.Truncate(Math.Max(0, back.Length - random.Next(70)));
            }
        }
        foreach (var sequence in sequences)
            sequence.Dispose();
    }

    [Fact]
    public void BF16ArithmeticIsCloseAndTheDefaultCacheFollowsTheWeights()
    {
        using var files = TestModels.Write(new TestShape { Type = ElementType.BF16 });
        var tokens = Tokens(40, 96, seed: 2);
        using var exact = TextModel.Load(files.Path, Exact);
        using var auto = TextModel.Load(files.Path);
        using var half = TextModel.Load(files.Path, new ModelOptions { Compute = ComputeType.BF16 });
        Assert.Equal((KvType.F32, KvType.BF16, KvType.BF16), (exact.Options.Kv, auto.Options.Kv, half.Options.Kv));
        var expected = Alone(exact, tokens);
        Assert.InRange(RelativeRms(Alone(auto, tokens), expected), 1e-6, 2e-2);
        Assert.InRange(RelativeRms(Alone(half, tokens), expected), 1e-6, 5e-2);
    }

    [Fact]
    public void CacheBytesAreWhatSequencesHold()
    {
        using var files = TestModels.Write();
        using var model = TextModel.Load(files.Path, Exact);
        Assert.Equal(0, model.CacheBytes);
        var (a, b) = (model.CreateSequence(), model.CreateSequence());
        Read(model, a, Tokens(65, 96, seed: 1));
        var page = model.CacheBytes / 2;
        Assert.Equal(2 * page, model.CacheBytes);
        Assert.Equal(2 * 2 * 64 * (16 + 32) * 4, page); // layers, kv heads, positions, key and padded value, float32
        Read(model, b, [1]);
        Assert.Equal(3 * page, model.CacheBytes);
        a.Truncate(64);
        Assert.Equal((64, 2 * page), (a.Length, model.CacheBytes));
        a.Dispose();
        a.Dispose();
        b.Dispose();
        Assert.Equal(0, model.CacheBytes);
    }

    [Fact]
    public void WrongRowsAreRefusedAndNothingGrows()
    {
        using var files = TestModels.Write(new TestShape { MaxPositions = 100 });
        using var model = TextModel.Load(files.Path, Exact);
        using var other = TextModel.Load(files.Path, Exact);
        using var sequence = model.CreateSequence();
        using var foreign = other.CreateSequence();
        var logits = new float[96];
        Assert.Contains("token 96", Assert.Throws<CriaException>(() => model.Step([new Row(sequence, 0, 96, true)], logits)).Message);
        Assert.Contains("token -1", Assert.Throws<CriaException>(() => model.Step([new Row(sequence, 0, -1, true)], logits)).Message);
        Assert.Contains("100 positions", Assert.Throws<CriaException>(() => Read(model, sequence, Tokens(101, 96, seed: 1))).Message);
        Assert.Throws<ArgumentException>(() => model.Step([new Row(sequence, 1, 3, true)], logits));
        Assert.Throws<ArgumentException>(() => model.Step([new Row(sequence, 0, 3, true)], []));
        Assert.Throws<ArgumentException>(() => model.Step([new Row(foreign, 0, 3, true)], logits));
        Assert.Throws<ArgumentOutOfRangeException>(() => sequence.Truncate(1));
        Assert.Equal((0, 0), (sequence.Length, model.CacheBytes));
        sequence.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Step([new Row(sequence, 0, 3, true)], logits));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Step([new Row(sequence, 0, 3, true)], logits));
        Assert.Throws<ObjectDisposedException>(() => model.CreateSequence());
    }

    [Fact]
    public void ACancelledForwardLeavesSequencesAsTheyWere()
    {
        using var files = TestModels.Write();
        using var model = TextModel.Load(files.Path, Exact);
        using var sequence = model.CreateSequence();
        var tokens = Tokens(700, 96, seed: 3);
        var expected = Alone(model, tokens[..301]);
        Read(model, sequence, tokens[..10]);
        var held = model.CacheBytes;
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        Assert.Throws<OperationCanceledException>(() =>
            model.Forward([.. tokens[10..].Select((t, i) => new Row(sequence, 10 + i, t, false))], [], cancellation.Token));
        Assert.Equal((10, held), (sequence.Length, model.CacheBytes));
        Read(model, sequence, tokens[10..300]);
        var logits = new float[96];
        model.Step([new Row(sequence, 300, tokens[300], true)], logits);
        Assert.Equal(expected[300], logits);
    }

    [Fact]
    public void AQ8CacheNeedsHeadsOfWholeBlocks()
    {
        using var files = TestModels.Write();
        Assert.Contains("multiple of 32", Assert.Throws<CriaException>(() => TextModel.Load(files.Path, new ModelOptions { Kv = KvType.Q8_0 })).Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1_000_000)]
    public void NoThreadsOrAMillionAreAnError(int threads)
    {
        using var files = TestModels.Write();
        Assert.Contains($"threads is {threads};", Assert.Throws<CriaException>(() => TextModel.Load(files.Path, new ModelOptions { Threads = threads })).Message);
    }

    [Fact]
    public void FrequenciesAreThoseOfThe1BInTheRoundingOfTheReference()
    {
        var g = Rope.Frequencies(500000, 64, new RopeScaling(32, 1, 4, 8192));
        (int Index, double Value)[] expected = [(1, 6.636012377e-1), (14, 3.211445995e-3), (15, 1.290547928e-3), (16, 4.295567966e-4),
            (17, 9.708287803e-5), (18, 1.946163818e-5), (31, 9.418306725e-8)];
        foreach (var (index, value) in expected)
            Assert.Equal(value, g[index], value * 2.5e-7);
        Assert.Equal(1 / 1.50692904f, g[1]); // 500000^(1/32) is rounded before it is inverted: one unit above the nearest float
    }

    static float[][] Alone(TextModel model, int[] tokens)
    {
        using var sequence = model.CreateSequence();
        var logits = new float[tokens.Length * model.Config.VocabularySize];
        model.Step([.. tokens.Select((t, i) => new Row(sequence, i, t, true))], logits);
        return [.. logits.Chunk(model.Config.VocabularySize)];
    }

    static float[][] OneByOne(TextModel model, int[] tokens)
    {
        using var sequence = model.CreateSequence();
        return [.. tokens.Select((t, i) =>
        {
            var logits = new float[model.Config.VocabularySize];
            model.Step([new Row(sequence, i, t, true)], logits);
            return logits;
        })];
    }

    static void Read(TextModel model, Sequence sequence, int[] tokens) =>
        model.Step([.. tokens.Select((t, i) => new Row(sequence, sequence.Length + i, t, false))], []);

    static int[] Tokens(int count, int vocabulary, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }

    static double RelativeRms(float[][] got, float[][] want)
    {
        var pairs = got.SelectMany(r => r).Zip(want.SelectMany(r => r)).ToList();
        return Math.Sqrt(pairs.Sum(p => Math.Pow(p.First - p.Second, 2)) / pairs.Sum(p => Math.Pow(p.Second, 2)));
    }
}
