using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Kernels;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Tests.Models;

/// <summary>The recordings of Meta's vision model, ../shared/golden/vision.</summary>
public sealed class GoldenVisionTests
{
    /// <summary>Largest error in standard deviations that the recordings allow.</summary>
    const double Tolerance = 1e-4;

    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };

    [Theory]
    [InlineData("a-hf-f32"), InlineData("a-gguf/model.gguf"), InlineData("a-hf-bf16-newnames"), InlineData("b-meta-bf16-2shards"), InlineData("c-hf-bf16"), InlineData("p-gguf-pair/model.gguf")]
    [InlineData("d-hf-bf16-t560", Traits = ["Emulated", "Slow"])]
    public void LogitsAndStatesOfImagesMatchTheReference(string name)
    {
        using var model = TextModel.Load(TestFiles.Golden("vision", "models", name), Exact);
        var cases = JsonNode.Parse(File.ReadAllText(TestFiles.Golden("vision", "cases", "cases.json")))!["cases"]!.AsArray()
            .Where(c => c!["models"]!.AsArray().Any(m => name.StartsWith((string)m!, StringComparison.Ordinal))).ToList();
        Assert.NotEmpty(cases);
        foreach (var recorded in cases)
            Check(model, recorded!);
    }

    static void Check(TextModel model, JsonNode recorded)
    {
        var transform = new ImageTransform(model.Config.Vision!.TileSize, model.Config.Vision.MaxTiles);
        using var file = SafetensorsFile.Open(TestFiles.Golden("vision", (string)recorded["expected"]!));
        ImageTiles[] images = [.. recorded["images"]!.AsArray().Select(i => transform.Apply(TestFiles.Golden("vision", "case_images", (string)i!)))];
        int[] tokens = [.. recorded["tokens"]!.AsArray().Select(t => (int)t!)];
        for (var i = 0; i < images.Length; i++)
            CheckStates(model, images[i], i, file, (string)recorded["name"]!);

        using var sequence = model.CreateSequence();
        foreach (var image in images)
        {
            using var features = model.ReadImage(image, cancellation: TestContext.Current.CancellationToken);
            sequence.Add(features);
        }
        var logits = new float[tokens.Length * model.Config.VocabularySize];
        model.Step([.. tokens.Select((token, i) => new Row(sequence, i, token, true))], logits);
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
        var mean = want.Average(v => (double)v);
        var error = want.Zip(got, (a, b) => Math.Abs((double)a - b)).Max() / Math.Sqrt(want.Average(v => (v - mean) * (v - mean)));
        Assert.True(error <= Tolerance, $"{what}: off by {error:e1} std");
    }

    static float[] Values(Tensor tensor)
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return values;
    }
}
