using System.Text.Json.Nodes;
using Cria.Conversion;
using Cria.Formats;
using Cria.Generation;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Tests.Models;

using Tensors = Dictionary<string, (long[] Shape, float[] Values)>;

/// <summary>LoRA adapters beside a model's weights.</summary>
public sealed class AdapterTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };
    static readonly TestShape Shape = new() { Tied = false };
    static readonly int[] Ids = [5, 17, 3, 90, 41, 2, 77, 8, 60, 33];

    [Fact]
    public void LogitsMatchTheRecordedOnes()
    {
        var cases = JsonNode.Parse(File.ReadAllText(TestFiles.Golden("training", "lora", "cases.json")))!;
        using var recorded = SafetensorsFile.Open(TestFiles.Golden("training", "lora", "expected.safetensors"));
        foreach (var one in cases["cases"]!.AsArray())
        {
            using var model = TextModel.Load(TestFiles.Golden("training", "lora", (string)one!["base"]!), Exact);
            using var adapter = model.LoadAdapter(TestFiles.Golden("training", "lora", (string)one["adapter"]!));
            var want = Values(recorded.Find((string)one["logits"]!)!);
            var got = Logits(model, adapter, [.. one["tokens"]!.AsArray().Select(t => (int)t!)]);
            Assert.True(Largest(got, want) <= 1e-5 * Math.Max(1, want.Max(Math.Abs)), $"{one["name"]}: off by {Largest(got, want)}");
        }
        foreach (var one in cases["errors"]!.AsArray())
        {
            using var model = TextModel.Load(TestFiles.Golden("training", "lora", (string)one!["base"]!), Exact);
            Assert.Throws<CriaException>(() => model.LoadAdapter(TestFiles.Golden("training", "lora", (string)one["adapter"]!)));
        }
    }

    public static TheoryData<string> Kinds => ["products", "magnitudes", "whole"];

    static Tensors Adapter(string kind) => kind switch
    {
        "products" => TestAdapters.Products(Shape, _ => true, seed: 7).Concat(TestAdapters.Whole(Shape, n => n.EndsWith("norm.weight", StringComparison.Ordinal), seed: 8)).ToDictionary(),
        "magnitudes" => TestAdapters.Products(Shape, n => n.Contains("q_proj") || n.Contains("down_proj"), seed: 7, withMagnitudes: true),
        _ => TestAdapters.Whole(Shape, n => n.Contains("lm_head") || n.Contains("embed_tokens") || n.Contains("layers.1.self_attn.k_proj"), seed: 9),
    };

    /// <summary>Row 11 of the bar: 1e-4 of the logits' standard deviation.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public void AnAdapterBesideTheWeightsIsTheModelItAmountsTo(string kind)
    {
        using var files = TestModels.Write(Shape);
        using var merged = TestAdapters.WriteMerged(Shape, Adapter(kind));
        using var plain = TextModel.Load(merged.Path, Exact);
        using var model = TextModel.Load(files.Path, Exact with { Adapter = TestAdapters.Write(files.File("adapter"), Adapter(kind)) });
        var (want, got) = (Logits(plain, null), Logits(model, null));
        Assert.InRange(Largest(got, want), 0, 1e-4 * Deviation(want));
        using var untouched = TextModel.Load(files.Path, Exact);
        Assert.True(Largest(Logits(untouched, null), want) > 0.1 * Deviation(want));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void AnAdapterFitsTheSameModelInEveryFormat(string kind)
    {
        using var files = TestModels.Write(Shape);
        var path = TestAdapters.Write(files.File("adapter"), Adapter(kind));
        GgufConversion.Write(files.Path, files.File("model.gguf"), QuantizationRecipe.Find("f32"), 2, cancellation: TestContext.Current.CancellationToken);
        using var model = TextModel.Load(files.Path, Exact with { Adapter = path });
        using var gguf = TextModel.Load(files.File("model.gguf"), Exact with { Adapter = path });
        var want = Logits(model, null);
        Assert.InRange(Largest(Logits(gguf, null), want), 0, 1e-4 * Deviation(want));
    }

    [Fact]
    public void ScalesFollowTheConfiguration()
    {
        using var files = TestModels.Write(Shape);
        using var model = TextModel.Load(files.Path, Exact);
        var tensors = TestAdapters.Products(Shape, n => n.Contains("v_proj") || n.Contains("up_proj"), seed: 3);
        float[] With(Action<JsonObject> change, double factor)
        {
            var config = TestAdapters.Config;
            change(config);
            var scaled = tensors.ToDictionary(t => t.Key, t => t.Key.Contains("lora_B") && t.Key.Contains("v_proj") ? (t.Value.Shape, [.. t.Value.Values.Select(v => (float)(v * factor))]) : t.Value);
            using var adapter = model.LoadAdapter(TestAdapters.Write(files.File("adapter"), scaled, config));
            return Logits(model, adapter);
        }
        var want = With(_ => { }, 1);
        Assert.InRange(Largest(want, With(c => c["alpha_pattern"] = new JsonObject { ["v_proj"] = 2.0 }, 4)), 0, 1e-4);
        Assert.InRange(Largest(want, With(c => c["alpha_pattern"] = new JsonObject { ["^model.*v_proj"] = 2, ["up_proj"] = 8 }, 4)), 0, 1e-4);
        Assert.InRange(Largest(want, With(c => c["alpha_pattern"] = new JsonObject { ["roj"] = 1, ["^layers.0.self_attn.v_proj"] = 1 }, 1)), 0, 1e-4);
        Assert.InRange(Largest(want, With(c => (c["use_rslora"], c["lora_alpha"]) = (true, 4), 1)), 0, 1e-4); // 4 / √4 = 8 / 4
    }

    /// <summary>Rows of several texts in random batches, each text with an adapter or none, get the bits that they get alone.</summary>
    [Theory, InlineData(ElementType.F32, ""), InlineData(ElementType.BF16, ""), InlineData(ElementType.F32, "q8_0"), InlineData(ElementType.F32, "q4_k")]
    public void ARowHasTheSameBitsInAnyBatchOfAdapters(ElementType type, string quantization)
    {
        var shape = new TestShape { Type = type, Tied = false, Hidden = 256, Heads = 4, KvHeads = 2, HeadSize = 64, FeedForward = 512, Layers = 2 };
        using var files = TestModels.Write(shape);
        var path = files.Path;
        if (quantization != "")
            GgufConversion.Write(files.Path, path = files.File("model.gguf"), QuantizationRecipe.Find(quantization), 2, cancellation: TestContext.Current.CancellationToken);
        var products = TestAdapters.Write(files.File("products"), TestAdapters.Products(shape, _ => true, seed: 1), type: ElementType.BF16);
        var whole = TestAdapters.Write(files.File("whole"), TestAdapters.Whole(shape, n => n.Contains("lm_head") || n.Contains("norm") || n.Contains("gate"), seed: 2));
        int[] lengths = [40, 7, 90, 33, 64];
        var random = new Random(3);
        int[][] texts = [.. lengths.Select(n => Enumerable.Range(0, n).Select(_ => random.Next(96)).ToArray())];
        float[][][]? expected = null;
        foreach (var threads in (int[])[1, 2])
        {
            using var model = TextModel.Load(path, new ModelOptions { Threads = threads });
            Adapter?[] adapters = [model.LoadAdapter(products), null, model.LoadAdapter(whole), model.LoadAdapter(products), null];
            expected ??= [.. texts.Select((t, i) => Alone(model, adapters[i], t))];
            for (var round = 0; round < 6; round++)
                Mix(model, adapters, texts, expected, random);
            foreach (var adapter in adapters)
                adapter?.Dispose();
        }
    }

    static void Mix(TextModel model, Adapter?[] adapters, int[][] texts, float[][][] expected, Random random)
    {
        var vocabulary = model.Config.VocabularySize;
        Sequence[] sequences = [.. adapters.Select(model.CreateSequence)];
        while (sequences.Where((s, i) => s.Length < texts[i].Length).Any())
        {
            var next = sequences.Select(s => s.Length).ToArray();
            var rows = new List<(int Text, Row Row)>();
            for (var n = random.Next(1, 60); n > 0; n--)
            {
                var i = random.Next(texts.Length);
                if (next[i] < texts[i].Length)
                    rows.Add((i, new Row(sequences[i], next[i], texts[i][next[i]++], random.Next(3) > 0)));
            }
            var wanted = rows.FindAll(r => r.Row.WantsLogits);
            var logits = new float[wanted.Count * vocabulary];
            model.Step([.. rows.Select(r => r.Row)], logits);
            for (var i = 0; i < wanted.Count; i++)
                Assert.True(logits.AsSpan(i * vocabulary, vocabulary).SequenceEqual(expected[wanted[i].Text][wanted[i].Row.Position]), $"text {wanted[i].Text} at {wanted[i].Row.Position}");
        }
        foreach (var sequence in sequences)
            sequence.Dispose();
    }

    [Fact]
    public async Task EachConversationHasItsOwnAdapter()
    {
        using var files = TestModels.Write(Shape);
        string[] paths = [TestAdapters.Write(files.File("a"), Adapter("products")), TestAdapters.Write(files.File("b"), Adapter("whole"))];
        async Task<int[]> Generate(Generator generator, Adapter? adapter)
        {
            var ids = new List<int>();
            await foreach (var token in generator.GenerateAsync(Ids, new() { MaxTokens = 20, StopIds = [], Adapter = adapter }, TestContext.Current.CancellationToken))
                ids.Add(token.Id);
            return [.. ids];
        }
        var expected = new List<int[]>();
        foreach (var path in (string?[])[null, .. paths])
        {
            using var alone = TextModel.Load(files.Path, Exact with { Adapter = path });
            using var one = new Generator(alone);
            expected.Add(await Generate(one, null));
        }
        using var model = TextModel.Load(files.Path, Exact);
        using var generator = new Generator(model);
        Adapter?[] adapters = [null, .. paths.Select(model.LoadAdapter)];
        var together = await Task.WhenAll(Enumerable.Range(0, 9).Select(i => Generate(generator, adapters[i % 3])));
        for (var i = 0; i < together.Length; i++)
            Assert.Equal(expected[i % 3], together[i]);
        Assert.NotEqual(expected[0], expected[1]);
        adapters[1]!.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Generate(generator, adapters[1]));
        Assert.Equal(expected[2], await Generate(generator, adapters[2]));
    }

    [Fact]
    public void ADisposedAdapterServesTheSequencesThatHaveIt()
    {
        using var files = TestModels.Write(Shape);
        using var model = TextModel.Load(files.Path, Exact);
        using var other = TextModel.Load(files.Path, Exact);
        var adapter = model.LoadAdapter(TestAdapters.Write(files.File("adapter"), Adapter("products")));
        var want = Logits(model, adapter);
        Assert.Throws<ArgumentException>(() => other.CreateSequence(adapter));
        using (var sequence = model.CreateSequence(adapter))
        {
            adapter.Dispose();
            adapter.Dispose();
            Assert.Equal(want, Read(model, sequence, Ids));
            Assert.Equal(want, Logits(model, adapter));
        }
        Assert.Throws<ObjectDisposedException>(() => model.CreateSequence(adapter));
    }

    public static TheoryData<string, Action<JsonObject, Tensors>, string> Wrong() => new()
    {
        { "another method", (c, _) => c["peft_type"] = "IA3", "adapter_config.json: peft_type" },
        { "no rank", (c, _) => c.Remove("r"), "adapter_config.json: r " },
        { "a huge rank", (c, _) => c["r"] = 1 << 30, "adapter_config.json: r " },
        { "no alpha", (c, _) => c.Remove("lora_alpha"), "lora_alpha" },
        { "another rank", (c, _) => c["r"] = 5, "lora_A.weight has shape [4, 48]" },
        { "a pattern of another rank", (c, _) => c["rank_pattern"] = new JsonObject { ["q_proj"] = 2 }, "lora_A.weight has shape [4, 48]" },
        { "half a rank", (c, _) => c["rank_pattern"] = new JsonObject { ["q_proj"] = 1.5 }, "rank_pattern" },
        { "no expression", (c, _) => c["alpha_pattern"] = new JsonObject { ["(q_proj"] = 2 }, "alpha_pattern" },
        { "backtracking", (c, _) => c["alpha_pattern"] = new JsonObject { [@"(a+)+\1q_proj"] = 2 }, "alpha_pattern" },
        { "repeated layers", (c, _) => c["layer_replication"] = new JsonArray(new JsonArray(0, 2)), "layer_replication" },
        { "no B", (_, t) => t.Remove(t.Keys.First(k => k.Contains("lora_B"))), "no tensor base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight" },
        { "no tensors", (_, t) => t.Clear(), "no tensors" },
        { "an unknown layer", (_, t) => t["base_model.model.model.layers.2.mlp.up_proj.lora_A.weight"] = ([1], [1]), "layers.2.mlp.up_proj.lora_A.weight" },
        { "a product of a norm", (_, t) => (t["base_model.model.model.norm.lora_A.weight"], t["base_model.model.model.norm.lora_B.weight"]) = (([4, 1], new float[4]), ([48, 4], new float[192])), "norm.lora_A.weight" },
        { "a whole weight of another shape", (_, t) => t["base_model.model.lm_head.weight"] = ([48, 96], new float[96 * 48]), "lm_head.weight has shape [48, 96]" },
        { "a whole weight beside a product", (_, t) => t["base_model.model.model.layers.0.self_attn.q_proj.weight"] = ([64, 48], new float[64 * 48]), "q_proj.weight stands beside" },
        { "NaN", (_, t) => t.Values.First().Values[5] = float.NaN, "element 5" },
    };

    [Theory, MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void AnAdapterThatDoesNotFitIsOneClearError(string what, Action<JsonObject, Tensors> change, string mention)
    {
        using var files = TestModels.Write(Shape);
        using var model = TextModel.Load(files.Path, Exact);
        var (config, tensors) = (TestAdapters.Config, TestAdapters.Products(Shape, n => n.Contains("q_proj"), seed: 1));
        change(config, tensors);
        var path = TestAdapters.Write(files.File("adapter"), tensors, config);
        var error = Assert.Throws<CriaException>(() => model.LoadAdapter(path));
        Assert.True(error.Message.Contains(mention, StringComparison.Ordinal) && error.Message.StartsWith(path, StringComparison.Ordinal), $"{what}: {error.Message}");
    }

    [Fact]
    public void AMissingDirectoryIsAnError()
    {
        using var files = TestModels.Write(Shape);
        Assert.Contains("/nowhere", Assert.Throws<CriaException>(() => TextModel.Load(files.Path, Exact with { Adapter = "/nowhere" })).Message);
    }

    static float[][] Alone(TextModel model, Adapter? adapter, int[] ids)
    {
        using var sequence = model.CreateSequence(adapter);
        return [.. ids.Select((id, i) =>
        {
            var logits = new float[model.Config.VocabularySize];
            model.Step([new Row(sequence, i, id, true)], logits);
            return logits;
        })];
    }

    static float[] Logits(TextModel model, Adapter? adapter, int[]? ids = null)
    {
        using var sequence = model.CreateSequence(adapter);
        return Read(model, sequence, ids ?? Ids);
    }

    static float[] Read(TextModel model, Sequence sequence, int[] ids)
    {
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Step([.. ids.Select((id, i) => new Row(sequence, i, id, true))], logits);
        return logits;
    }

    static float[] Values(Tensor tensor)
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return values;
    }

    static double Largest(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();

    static double Deviation(float[] values) => Math.Sqrt(values.Average(v => Math.Pow(v - values.Average(), 2)));
}
