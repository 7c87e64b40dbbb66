using Cria.Formats;
using Cria.Kernels;
using Cria.Models;
using SkiaSharp;

namespace Cria.Tests.Models;

/// <summary>Images in the encoder and in the text stack, on random models of the tests' own.</summary>
public sealed class VisionModelTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };

    static readonly TestShape Shape = new() { Layers = 4, CrossLayers = [0, 2], Tied = false };

    const int Vocabulary = 96, Image = Vocabulary;

    [Theory]
    [InlineData(5, 5), InlineData(20, 10), InlineData(10, 34), InlineData(24, 24)]
    public void PaddingThatIsComputedOnceCountsAsOftenAsItStands(int width, int height) => AssertComputed(Shape, Tiles(width, height, seed: 1));

    public static TheoryData<string, VisionConfig> Encoders => new()
    {
        { "no global blocks", Shape.Encoder with { GlobalLayerCount = 0 } },
        { "no features but the output", Shape.Encoder with { IntermediateLayers = [] } },
        { "six tiles of one patch", Shape.Encoder with { MaxTiles = 6, PatchSize = 12 } },
        { "five heads of four", Shape.Encoder with { Width = 20, HeadCount = 5, FeedForwardSize = 37 } },
        { "one tile, one block", Shape.Encoder with { MaxTiles = 1, LocalLayerCount = 1, IntermediateLayers = [0] } },
    };

    [Theory, MemberData(nameof(Encoders), DisableDiscoveryEnumeration = true)]
    public void EncodersOfOtherSizesAreComputed(string what, VisionConfig encoder)
    {
        Assert.NotEmpty(what);
        AssertComputed(Shape with { Encoder = encoder }, new ImageTransform(encoder.TileSize, encoder.MaxTiles).Apply(Png(30, 17, 1), what));
    }

    static unsafe void AssertComputed(TestShape shape, ImageTiles image)
    {
        using var files = TestModels.Write(shape);
        using var checkpoint = Checkpoint.Open(files.Path);
        var expected = new NaiveVisionModel(checkpoint).Encode(image);
        foreach (var kernels in KernelSet.All)
        {
            using var model = new TextModel(Checkpoint.Open(files.Path), Exact, kernels);
            using var memory = new NativeBuffer();
            var states = memory.Reserve(model.Vision!.Tokens(image), model.Config.HiddenSize);
            foreach (var _ in model.Vision.Encode(image, null, states))
            {
            }
            Assert.Equal(expected.Length, states.Rows);
            for (var row = 0; row < states.Rows; row++)
                for (var i = 0; i < states.Columns; i++)
                    Assert.Equal(expected[row][i], states[row][i], 1e-4);
        }
    }

    /// <summary>The law of the engine holds for rows that see images: one by one, in chunks, beside others, on any number of threads.</summary>
    [Fact]
    public void LogitsDoNotDependOnBatchChunksOrThreads()
    {
        using var files = TestModels.Write(Shape);
        (int[] Text, int[] Images)[] texts = [([1, 2, Image, 3, 4, 5], [0]), ([7, 8, 9, 10], []), ([Image, Image, 3, Image, 4, 5, 6], [1, 0, 2]), ([11, 12, 13, 14, 15, Image], [1])];
        var images = new[] { Tiles(12, 12, 1), Tiles(12, 30, 2), Tiles(48, 10, 3) };
        float[][]? expected = null;
        foreach (var threads in new[] { 1, 3 })
        {
            using var model = TextModel.Load(files.Path, Exact with { Threads = threads });
            var features = Array.ConvertAll(images, image => Read(model, image));
            foreach (var chunk in new[] { 1, 3, 100 })
            {
                var sequences = texts.Select(_ => model.CreateSequence()).ToArray();
                for (var i = 0; i < texts.Length; i++)
                    foreach (var image in texts[i].Images)
                        sequences[i].Add(features[image]);
                var logits = texts.Select(t => new float[t.Text.Length * Vocabulary]).ToArray();
                for (var start = 0; start < texts.Max(t => t.Text.Length); start += chunk)
                {
                    Row[] rows = [.. texts.SelectMany((t, i) => t.Text.Skip(start).Take(chunk).Select((token, at) => new Row(sequences[i], start + at, token, true)))];
                    var got = new float[rows.Length * Vocabulary];
                    model.Step(rows, got);
                    for (var row = 0; row < rows.Length; row++)
                        got.AsSpan(row * Vocabulary, Vocabulary).CopyTo(logits[Array.IndexOf(sequences, rows[row].Sequence)].AsSpan(rows[row].Position * Vocabulary));
                }
                expected ??= logits;
                for (var i = 0; i < texts.Length; i++)
                    Assert.Equal(expected[i], logits[i]);
                foreach (var sequence in sequences)
                    sequence.Dispose();
            }
            foreach (var image in features)
                image.Dispose();
            Assert.Equal(0, model.CacheBytes);
        }
    }

    [Fact]
    public void WithoutImagesAndBeforeThemATextIsThatOfTheTextModel()
    {
        using var files = TestModels.Write(Shape);
        using var text = TestModels.Write(Shape with { Layers = 2, CrossLayers = [] });
        var weights = TestModels.Weights(Shape).ToDictionary(w => w.Name);
        SafetensorsWriter.Write(text.File("model.safetensors"), TestModels.Weights(Shape with { Layers = 2, CrossLayers = [] }).Select(w =>
        {
            var name = w.Name == "lm_head.weight" ? "language_model.lm_head.weight" : "language_model." + w.Name.Replace("layers.1.", "layers.3.").Replace("layers.0.", "layers.1.");
            return (w.Name, w.Type, w.Shape, weights[name].Data[..w.Data.Length]);
        }));
        using var model = TextModel.Load(files.Path, Exact);
        using var plain = TextModel.Load(text.Path, Exact);
        int[] tokens = [5, 6, 7, 8];
        var expected = Logits(plain, tokens);
        Assert.Equal(expected, Logits(model, tokens));
        using var image = Read(model, Tiles(12, 12, 1));
        var seeing = Logits(model, [.. tokens, Image, 9], image);
        Assert.Equal(expected, seeing[..expected.Length]);
        using var other = Read(model, Tiles(12, 12, 2));
        Assert.NotEqual(seeing[expected.Length..], Logits(model, [.. tokens, Image, 9], other)[expected.Length..]);
    }

    /// <summary>The intervals of spec llama32-vision 4.4, from which rows see which images.</summary>
    [Theory]
    [InlineData("IabIcd", "000111", "111222"), InlineData("IIab", "0000", "1222"), InlineData("IIabIc", "000022", "122233"), InlineData("aIbII", "00011", "01123"), InlineData("IIabIIc", "0000222", "1222344")]
    public void ARowSeesTheImagesBeforeItUpToTheLastText(string text, string first, string end)
    {
        using var files = TestModels.Write(Shape);
        using var model = TextModel.Load(files.Path, Exact);
        using var image = Read(model, Tiles(12, 12, 1));
        using var sequence = model.CreateSequence();
        foreach (var _ in text.Where(c => c == 'I'))
            sequence.Add(image);
        model.Step([.. text.Select((c, i) => new Row(sequence, i, c == 'I' ? Image : c - 'a', false))], []);
        for (var i = 0; i < text.Length; i++)
            Assert.Equal((end[i] == '0' ? 0 : first[i] - '0', end[i] - '0'), sequence.ImagesAt(i));
        Assert.Equal(sequence.ImagesAt(text.Length - 1), sequence.ImagesAt(1000));
        sequence.Truncate(1);
        Assert.Equal(text[0] == 'I' ? (0, 1) : (0, 0), sequence.ImagesAt(1000));
    }

    [Fact]
    public void ImagesThatAreNotThereAreOneError()
    {
        using var files = TestModels.Write(Shape);
        using var model = TextModel.Load(files.Path, Exact);
        using var sequence = model.CreateSequence();
        Assert.Contains("image", Assert.Throws<CriaException>(() => model.Step([new(sequence, 0, Image, false)], [])).Message);
        using (var image = Read(model, Tiles(12, 12, 1)))
            sequence.Add(image);
        model.Step([new(sequence, 0, Image, false)], []);
        Assert.Throws<CriaException>(() => model.Step([new(sequence, 1, Image, false)], []));
        Assert.Equal(1, sequence.Length);
        Assert.Throws<CriaException>(() => Read(model, new ImageTransform(20).Apply(Png(5, 5, 1), "x")));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => model.ReadImage(Tiles(12, 12, 1), cancellation: cancelled.Token));

        using var other = TextModel.Load(files.Path, Exact);
        using var foreign = Read(other, Tiles(12, 12, 1));
        Assert.Throws<ArgumentException>(() => sequence.Add(foreign));
        foreign.Dispose();
        using var theirs = other.CreateSequence();
        Assert.Throws<ObjectDisposedException>(() => theirs.Add(foreign));
    }

    static float[] Logits(TextModel model, int[] tokens, params ImageFeatures[] images)
    {
        using var sequence = model.CreateSequence();
        foreach (var image in images)
            sequence.Add(image);
        var logits = new float[tokens.Length * Vocabulary];
        model.Step([.. tokens.Select((token, i) => new Row(sequence, i, token, true))], logits);
        return logits;
    }

    static ImageFeatures Read(TextModel model, ImageTiles image) => model.ReadImage(image, cancellation: TestContext.Current.CancellationToken);

    internal static ImageTiles Tiles(int width, int height, int seed) => new ImageTransform(Shape.Vision!.TileSize).Apply(Png(width, height, seed), "image");

    internal static byte[] Png(int width, int height, int seed)
    {
        using var bitmap = new SKBitmap(width, height);
        var random = new Random(seed);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                bitmap.SetPixel(x, y, new SKColor((uint)random.Next() | 0xFF000000));
        return bitmap.Encode(SKEncodedImageFormat.Png, 100).ToArray();
    }
}
