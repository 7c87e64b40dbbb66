using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Kernels;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Tests.Models;

/// <summary>The recordings of Meta's vision model, ../shared/golden/vision.</summary>
public sealed class GoldenVisionTests
{
    /// <summary>Errors in standard deviations that the recordings allow: the largest in float32, the mean one of the default arithmetic on BF16 weights.</summary>
    const double Tolerance = 1e-4, DefaultTolerance = 3e-2;

    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };

    [Theory]
    [InlineData("a-hf-f32"), InlineData("a-gguf/model.gguf"), InlineData("a-hf-bf16-newnames"), InlineData("b-meta-bf16-2shards"), InlineData("c-hf-bf16"), InlineData("p-gguf-pair/model.gguf")]
    [InlineData("d-hf-bf16-t560", Traits = ["Emulated", "Slow"])]
    public void LogitsAndStatesOfImagesMatchTheReference(string name)
    {
        using var model = TextModel.Load(TestFiles.Golden("vision", "models", name), Exact);
        foreach (var recorded in Cases(name))
            Check(model, recorded);
    }

    [Theory]
    [InlineData("a-hf-bf16"), InlineData("b-hf-bf16"), InlineData("c-hf-bf16"), InlineData("d-hf-bf16-t560", Traits = ["Emulated", "Slow"])]
    public void TheDefaultArithmeticKeepsItsTolerance(string name)
    {
        foreach (var compute in (ComputeType[])[ComputeType.Auto, ComputeType.BF16])
        {
            using var model = TextModel.Load(TestFiles.Golden("vision", "models", name), new() { Compute = compute, Threads = 2 });
            foreach (var recorded in Cases(name))
            {
                using var file = SafetensorsFile.Open(TestFiles.Golden("vision", (string)recorded["expected"]!));
                using var sequence = model.CreateSequence();
                var (want, got) = (Values(file.Find("logits")!), Read(model, sequence, Images(model, recorded), recorded));
                var error = Math.Sqrt(want.Zip(got, (a, b) => Math.Pow(a - b, 2)).Average()) / Deviation(want);
                Assert.True(error <= DefaultTolerance, $"{recorded["name"]}, {compute}: off by {error:e1} std");
            }
        }
    }

    static JsonNode[] Cases(string model)
    {
        JsonNode[] cases = [.. JsonNode.Parse(File.ReadAllText(TestFiles.Golden("vision", "cases", "cases.json")))!["cases"]!.AsArray()
            .Where(c => c!["models"]!.AsArray().Any(m => model.StartsWith((string)m!, StringComparison.Ordinal)))!];
        Assert.NotEmpty(cases);
        return cases;
    }

    static ImageTiles[] Images(TextModel model, JsonNode recorded)
    {
        var transform = new ImageTransform(model.Config.Vision!.TileSize, model.Config.Vision.MaxTiles);
        return [.. recorded["images"]!.AsArray().Select(i => transform.Apply(TestFiles.Golden("vision", "case_images", (string)i!)))];
    }

    /// <summary>The logits of all tokens.</summary>
    static float[] Read(TextModel model, Sequence sequence, ImageTiles[] images, JsonNode recorded)
    {
        foreach (var image in images)
        {
            using var features = model.ReadImage(image, cancellation: TestContext.Current.CancellationToken);
            sequence.Add(features);
        }
        int[] tokens = [.. recorded["tokens"]!.AsArray().Select(t => (int)t!)];
        var logits = new float[tokens.Length * model.Config.VocabularySize];
        model.Step([.. tokens.Select((token, i) => new Row(sequence, i, token, true))], logits);
        return logits;
    }

    static void Check(TextModel model, JsonNode recorded)
    {
        using var file = SafetensorsFile.Open(TestFiles.Golden("vision", (string)recorded["expected"]!));
        var images = Images(model, recorded);
        for (var i = 0; i < images.Length; i++)
            CheckStates(model, images[i], i, file, (string)recorded["name"]!);

        using var sequence = model.CreateSequence();
        var logits = Read(model, sequence, images, recorded);
        Close(Values(file.Find("logits")!), logits, $"{recorded["name"]}: logits");

        var last = logits[^model.Config.VocabularySize..];
        foreach (var expected in (recorded["greedy_carried"] ?? recorded["greedy"])!.AsArray())
        {
            var token = Array.IndexOf(last, last.Max());
            Assert.Equal((int)expected!, token);
            model.Step([new Row(sequence, sequence.Length, token, true)], last);
        }
    }

    /// <summary>The encoder's features and the projected states, where they are recorded.</summary>
    static unsafe void CheckStates(TextModel model, ImageTiles image, int index, SafetensorsFile file, string name)
    {
        if (file.Find("tower") is not { } tower)
            return;
        using NativeBuffer states = new(), features = new();
        var rows = model.Vision!.Tokens(image);
        var (projected, encoded) = (states.Reserve(rows, model.Config.HiddenSize), features.Reserve(rows, model.Config.Vision!.FeatureSize));
        foreach (var _ in model.Vision.Encode(image, null, projected, encoded))
        {
        }
        foreach (var (due, got) in new[] { (tower, encoded), (file.Find("projected")!, projected) })
        {
            var size = (int)(due.Count / due.Shape[0]);
            Close(Values(due).AsSpan(index * size, (int)got.Count).ToArray(), new Span<float>(got.Data, (int)got.Count).ToArray(), $"{name}: {due.Name} of image {index}");
        }
    }

    static void Close(float[] want, float[] got, string what)
    {
        Assert.Equal(want.Length, got.Length);
        var error = want.Zip(got, (a, b) => Math.Abs((double)a - b)).Max() / Deviation(want);
        Assert.True(error <= Tolerance, $"{what}: off by {error:e1} std");
    }

    static double Deviation(float[] values)
    {
        var mean = values.Average(v => (double)v);
        return Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
    }

    static float[] Values(Tensor tensor)
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return values;
    }
}
