using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Cria.Models;

namespace Cria.Tests.Formats;

/// <summary>Damaged adapters beside one vision model, which runs with each that loads.</summary>
public sealed class DamagedAdapterTests
{
    static readonly TestShape Shape = new() { Layers = 2, CrossLayers = [1], Hidden = 16, Heads = 2, KvHeads = 1, HeadSize = 8, FeedForward = 16, Vocabulary = 32 };

    [Fact]
    public void DamagedConfiguration() => Try("adapter_config.json", 6000, (m, f) => m.Next(3) == 0 ? m.Bytes(f) : m.Json(f));

    [Fact]
    public void DamagedHeader() => Try("adapter_model.safetensors", 9000, (m, f) =>
    {
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(f);
        var header = f[8..(8 + length)];
        return SafetensorsTests.Raw(Encoding.Latin1.GetString(m.Next(3) == 0 ? m.Bytes(header) : m.Json(header)), f[(8 + length)..]);
    });

    [Fact]
    public void DamagedBytes() => Try("adapter_model.safetensors", 6000, (m, f) => m.Bytes(f));

    static void Try(string name, int cases, Func<Mutator, byte[], byte[]> mutate)
    {
        using var files = TestModels.Write(Shape);
        using var model = TextModel.Load(files.Path, new() { Threads = 1 });
        var config = TestAdapters.Config;
        config["rank_pattern"] = new JsonObject { ["q_proj"] = 4 };
        if (name == "adapter_config.json") // an expression takes a millisecond to read
            config["alpha_pattern"] = new JsonObject { ["(mlp|self_attn)[.](u|v).*_proj"] = 4 };
        var adapter = new TestModel();
        TestAdapters.Write(adapter.Path, TestAdapters.Products(Shape, n => n.Contains("q_proj") || n.Contains("embed_tokens") || n.Contains("up_proj") || n.Contains("transformer.layers.0.mlp.fc1"), seed: 1)
            .Concat(TestAdapters.Whole(Shape, n => n.Contains("language_model") && n.Contains("norm.weight") && !n.Contains("cross_attn") || n.Contains("multi_modal_projector"), seed: 2)).ToDictionary(), config);
        Damage.Try(adapter, name, cases, mutate, path => Run(model, path));
    }

    static long Run(TextModel model, string path)
    {
        using var adapter = model.LoadAdapter(path);
        using var sequence = model.CreateSequence(adapter);
        lock (model)
            model.Forward([new Row(sequence, 0, 3, true)], new float[Shape.Vocabulary], CancellationToken.None);
        return sequence.Length;
    }
}
