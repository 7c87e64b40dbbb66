using Cria.Conversion;
using Cria.Formats;
using Cria.Generation;
using Cria.Models;
using Cria.Tests.Cli;

namespace Cria.Tests.Models;

using Tensors = Dictionary<string, (long[] Shape, float[] Values)>;

/// <summary>Adapters of vision models: of the text part, which share what is read of an image, and of the encoder, which do not.</summary>
[Collection(CommandLine.Name)]
public sealed class VisionAdapterTests : IDisposable
{
    const int Image = 96;

    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };
    static readonly TestShape Shape = new() { Layers = 4, CrossLayers = [0, 2], Tied = false };
    static readonly int[] Ids = [5, Image, 17, 3, 90];

    readonly TestModel _files = TestModels.Write(Shape);
    readonly ImageTiles _image = VisionModelTests.Tiles(20, 10, 1);

    public void Dispose() => _files.Dispose();

    /// <summary>What PEFT makes of all linear layers, norms apart from those of heads, and modules that are trained whole.</summary>
    static Tensors Adapter(string kind) => kind switch
    {
        "linear" => TestAdapters.Products(Shape, IsLinear, seed: 7),
        "text" => TestAdapters.Products(Shape, n => IsLinear(n) && n.Contains("language_model") && !IsOfImages(n), seed: 8),
        "keys" => TestAdapters.Products(Shape, IsOfImages, seed: 9),
        "magnitudes" => TestAdapters.Products(Shape, n => IsLinear(n) && (n.Contains("global_transformer") || n.Contains("cross_attn")), seed: 10, withMagnitudes: true),
        _ => TestAdapters.Products(Shape, n => n.Contains("embed_tokens"), seed: 11)
            .Concat(TestAdapters.Whole(Shape, n => n.Contains("multi_modal_projector") || n.Contains("layers.1.input_layernorm.weight") && n.Contains("language"), seed: 12)).ToDictionary(),
    };

    static bool IsLinear(string name) => name.Contains("_proj.") || name.Contains(".fc") || name.Contains("multi_modal_projector");

    static bool IsOfImages(string name) => name.Contains("cross_attn.k_proj") || name.Contains("cross_attn.v_proj");

    [Theory, InlineData("linear"), InlineData("text"), InlineData("keys"), InlineData("magnitudes"), InlineData("whole")]
    public void AnAdapterBesideTheWeightsIsTheModelItAmountsTo(string kind)
    {
        using var merged = TestAdapters.WriteMerged(Shape, Adapter(kind));
        using var plain = TextModel.Load(merged.Path, Exact);
        using var untouched = TextModel.Load(_files.Path, Exact);
        GgufConversion.Write(_files.Path, _files.File("model.gguf"), QuantizationRecipe.Find("f32"), 2, cancellation: TestContext.Current.CancellationToken);
        var want = Logits(plain, null);
        Assert.True(Largest(Logits(untouched, null), want) > 0.05 * Deviation(want));
        foreach (var path in (string[])[_files.Path, _files.File("model.gguf")])
            foreach (var rename in (Func<string, string>[])[n => n, AsInMemory])
            {
                using var model = TextModel.Load(path, Exact with { Adapter = TestAdapters.Write(_files.File("adapter"), Adapter(kind).ToDictionary(t => rename(t.Key), t => t.Value)) });
                Assert.InRange(Largest(Logits(model, null), want), 0, 1e-4 * Deviation(want));
            }
    }

    /// <summary>The names since transformers 4.52.</summary>
    static string AsInMemory(string name) => name.Replace("model.language_model.lm_head", "model.lm_head").Replace("model.language_model.model.", "model.model.language_model.")
        .Replace("model.vision_model.", "model.model.vision_model.").Replace("model.multi_modal_projector", "model.model.multi_modal_projector");

    [Fact]
    public async Task LogitsOfTheCommandLineAreThoseOfTheMergedModel()
    {
        using var merged = TestAdapters.WriteMerged(Shape, Adapter("linear"));
        var adapter = TestAdapters.Write(_files.File("adapter"), Adapter("linear"));
        await File.WriteAllBytesAsync(_files.File("a.png"), VisionModelTests.Png(20, 10, 1), TestContext.Current.CancellationToken);
        var logits = new List<float[]>();
        foreach (var arguments in (string[][])[["--model", merged.Path], ["--model", _files.Path, "--adapter", adapter]])
        {
            var (exit, _, error) = CommandLine.Run(["logits", .. arguments, "--tokens", "5,96,17", "--image", _files.File("a.png"), "--dtype", "f32", "--out", _files.File("out")]);
            Assert.True(exit == 0, error);
            using var file = SafetensorsFile.Open(_files.File("out"));
            var values = new float[3 * 96];
            file.Find("logits")!.CopyTo(values);
            logits.Add(values);
        }
        Assert.InRange(Largest(logits[1], logits[0]), 0, 1e-4 * Deviation(logits[0]));
    }

    /// <summary>Conversations about one image with several adapters, at once and again: what each gets is what it gets alone.</summary>
    [Fact]
    public async Task EachConversationSeesTheImageWithItsOwnAdapter()
    {
        string?[] paths = [null, .. ((string[])["linear", "text", "keys"]).Select(kind => TestAdapters.Write(_files.File(kind), Adapter(kind)))];
        var expected = new List<string>();
        foreach (var path in paths)
        {
            using var alone = TextModel.Load(_files.Path, Exact with { Adapter = path });
            using var one = new Generator(alone);
            expected.Add(await Generate(one, null));
        }
        Assert.Equal(4, expected.Distinct().Count());
        using var model = TextModel.Load(_files.Path, Exact);
        using var generator = new Generator(model, options: new() { PrefixBytes = 0 });
        Adapter?[] adapters = [.. paths.Select(path => path is null ? null : model.LoadAdapter(path))];
        for (var round = 0; round < 2; round++)
            Assert.Equal(expected.Concat(expected), await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Generate(generator, adapters[i % 4]))));
        await generator.EmbedAsync([[1]], cancellation: TestContext.Current.CancellationToken); // behind the last step of the others
        Assert.Equal(3 * model.BytesOf(_image), model.CacheBytes); // that of the text reads it as the model does
        adapters[1]!.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Generate(generator, adapters[1]));
        Assert.Equal(expected[3], await Generate(generator, adapters[3]));
        generator.Dispose();
        Assert.Equal(0, model.CacheBytes);
    }

    [Fact]
    public void RowsWithAdaptersAndImagesHaveTheSameBitsInAnyCompany()
    {
        using var model = TextModel.Load(_files.Path, Exact);
        Adapter?[] adapters = [model.LoadAdapter(TestAdapters.Write(_files.File("a"), Adapter("linear"))), null, model.LoadAdapter(TestAdapters.Write(_files.File("b"), Adapter("whole")))];
        float[][] expected = [.. adapters.Select(adapter => Logits(model, adapter))];
        ImageFeatures[] images = [.. adapters.Select(adapter => model.ReadImage(_image, adapter, TestContext.Current.CancellationToken))];
        Sequence[] sequences = [.. adapters.Select(model.CreateSequence)];
        for (var i = 0; i < sequences.Length; i++)
            sequences[i].Add(images[i]);
        var logits = new float[sequences.Length * Ids.Length * 96];
        model.Step([.. sequences.SelectMany(s => Ids.Select((id, at) => new Row(s, at, id, true)))], logits);
        for (var i = 0; i < sequences.Length; i++)
            Assert.Equal(expected[i], logits.AsSpan(i * expected[i].Length, expected[i].Length));
        Assert.Throws<ArgumentException>(() => sequences[0].Add(images[1]));
        Assert.Throws<ArgumentException>(() => sequences[1].Add(images[2]));
        foreach (var one in sequences.Concat<IDisposable>(images).Concat(adapters.OfType<IDisposable>()))
            one.Dispose();
    }

    [Fact]
    public void AnAdapterLivesUntilTheImageIsRead()
    {
        using var model = TextModel.Load(_files.Path, Exact);
        var adapter = model.LoadAdapter(TestAdapters.Write(_files.File("a"), Adapter("linear")));
        using var whole = model.ReadImage(_image, adapter, TestContext.Current.CancellationToken);
        using (var reading = model.BeginImage(_image, model.AdapterOfImages(adapter)))
        {
            adapter.Dispose();
            while (!reading.Advance())
            {
            }
            using var sequence = model.CreateSequence(adapter); // it is still there
            sequence.Add(whole);
            using var again = reading.Take();
            sequence.Add(again);
        }
        Assert.Throws<ObjectDisposedException>(() => model.ReadImage(_image, adapter, TestContext.Current.CancellationToken));
        Assert.Equal(whole.Bytes, model.CacheBytes);
    }

    [Theory]
    [InlineData("vision_model.patch_embedding.lora_A.weight", "no adapter can change")]
    [InlineData("vision_model.layernorm_pre.weight", "no adapter can change")]
    [InlineData("vision_model.transformer.layers.0.mlp.fc1.bias", "no adapter can change")]
    [InlineData("language_model.model.layers.0.cross_attn.q_norm.weight", "no adapter can change")]
    [InlineData("model.vision_model.global_transformer.layers.0.mlp.fc1.lora_A.weight", "changes nothing")] // both generations' names
    [InlineData("vision_model.transformer.layers.3.mlp.fc1.lora_A.weight", "changes nothing")]
    [InlineData("vision_model.transformer.layers.0.mlp.fc1.lora_A.weight", "has shape [1]")]
    public void WhatDoesNotFitIsOneErrorThatNamesTheTensor(string name, string problem)
    {
        using var model = TextModel.Load(_files.Path, Exact);
        var tensors = new Tensors { ["base_model.model." + name] = ([1], [1]), ["base_model.model." + name.Replace("lora_A", "lora_B")] = ([1], [1]), };
        if (name.StartsWith("model.", StringComparison.Ordinal))
            tensors = tensors.Concat(Adapter("keys")).ToDictionary();
        var message = Assert.Throws<CriaException>(() => model.LoadAdapter(TestAdapters.Write(_files.File("adapter"), tensors))).Message;
        Assert.Contains(problem, message);
        Assert.Contains(problem == "changes nothing" && name.StartsWith("model.", StringComparison.Ordinal) ? "cross_attn.k_proj" : name, message);
    }

    async Task<string> Generate(Generator generator, Adapter? adapter)
    {
        var ids = new List<int>();
        await foreach (var token in generator.GenerateAsync(Ids, new() { MaxTokens = 12, Temperature = 2, Seed = 1, StopIds = [], Images = [_image], Adapter = adapter }, TestContext.Current.CancellationToken))
            ids.Add(token.Id);
        return string.Join(',', ids);
    }

    float[] Logits(TextModel model, Adapter? adapter)
    {
        using var features = model.ReadImage(_image, adapter, TestContext.Current.CancellationToken);
        using var sequence = model.CreateSequence(adapter);
        sequence.Add(features);
        var logits = new float[Ids.Length * 96];
        model.Step([.. Ids.Select((id, i) => new Row(sequence, i, id, true))], logits);
        return logits;
    }

    static double Largest(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();

    static double Deviation(float[] values) => Math.Sqrt(values.Average(v => Math.Pow(v - values.Average(), 2)));
}
