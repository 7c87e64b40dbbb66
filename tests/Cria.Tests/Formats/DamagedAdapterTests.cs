using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Cria.Models;

namespace Cria.Tests.Formats;

/// <summary>Over twenty thousand damaged adapters: each loads and runs, or is one <see cref="CriaException"/> of one line and allocates little.</summary>
public sealed class DamagedAdapterTests
{
    const long Allowance = 16 << 20;

    static readonly TestShape Shape = new() { Layers = 1, Hidden = 16, Heads = 2, KvHeads = 1, HeadSize = 8, FeedForward = 16, Vocabulary = 32 };

    [Fact]
    public void DamagedConfiguration() => Damage("adapter_config.json", 6000, (m, f) => m.Next(3) == 0 ? m.Bytes(f) : m.Json(f));

    [Fact]
    public void DamagedHeader() => Damage("adapter_model.safetensors", 9000, (m, f) =>
    {
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(f);
        var header = f[8..(8 + length)];
        return SafetensorsTests.Raw(Encoding.Latin1.GetString(m.Next(3) == 0 ? m.Bytes(header) : m.Json(header)), f[(8 + length)..]);
    });

    [Fact]
    public void DamagedBytes() => Damage("adapter_model.safetensors", 6000, (m, f) => m.Bytes(f));

    static void Damage(string name, int cases, Func<Mutator, byte[], byte[]> mutate)
    {
        using var files = TestModels.Write(Shape);
        using var model = TextModel.Load(files.Path, new() { Threads = 1 });
        var config = TestAdapters.Config;
        config["rank_pattern"] = new JsonObject { ["q_proj"] = 4 };
        if (name == "adapter_config.json") // an expression takes a millisecond to read
            config["alpha_pattern"] = new JsonObject { ["(mlp|self_attn)[.](u|v).*_proj"] = 4 };
        var path = TestAdapters.Write(files.File("adapter"),
            TestAdapters.Products(Shape, n => n.Contains("q_proj") || n.Contains("embed") || n.Contains("up_proj"), seed: 1)
                .Concat(TestAdapters.Whole(Shape, n => n.Contains("norm"), seed: 2)).ToDictionary(), config);
        var file = Path.Combine(path, name);
        var sound = File.ReadAllBytes(file);
        Run(model, path);
        var refused = 0;
        for (var i = 0; i < cases; i++)
        {
            File.WriteAllBytes(file, mutate(new Mutator(i), sound));
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Run(model, path);
            }
            catch (CriaException e)
            {
                refused++;
                Assert.True(e.Message.Length < 1000 && !e.Message.AsSpan().ContainsAny("\r\n\f\u0085\u2028\u2029"), $"case {i}: {e.Message}");
            }
            catch (Exception e)
            {
                Assert.Fail($"case {i}: {e}");
            }
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < Allowance, $"case {i}: {allocated} bytes");
        }
        Assert.InRange(refused, cases / 4, cases);
    }

    static void Run(TextModel model, string path)
    {
        using var adapter = model.LoadAdapter(path);
        using var sequence = model.CreateSequence(adapter);
        model.Forward([new Row(sequence, 0, 3, true)], new float[Shape.Vocabulary], TestContext.Current.CancellationToken);
    }
}
