using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Tests.Models;

public sealed class MetaQuantizedTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Kv = KvType.F32, Threads = 2 };

    [Fact]
    public void LogitsMatchTheRecordedOnes()
    {
        foreach (var recorded in JsonNode.Parse(File.ReadAllText(TestFiles.Golden("quant", "meta", "cases.json")))!["cases"]!.AsArray())
        {
            using var file = SafetensorsFile.Open(TestFiles.Golden("quant", "meta", (string)recorded!["expected"]!));
            var got = Logits(TestFiles.Golden("quant", "meta", (string)recorded["dir"]!), Tokens(file.Find("input_ids")!));
            Assert.InRange(new[] { "logits", "logits_8da8w" }.Min(name => RelativeRms(got, Values(file.Find(name)!))), 0, 1e-3);
        }
    }

    /// <summary>A rotated down projection with the rotation before it is the plain one, up to the rounding to integers; so are adaptors of nothing.</summary>
    [Theory]
    [InlineData(true), InlineData(false)]
    public void AQuantizedModelIsCloseToItsFloats(bool spinQuant)
    {
        using var floats = TestMetaModels.Write(TestMetaModels.Shape with { FeedForward = 64 }, parameters: json => (json["ffn_dim_multiplier"], json["multiple_of"]) = (0.25, 64));
        using var model = Quantize(floats, spinQuant);
        int[] tokens = [3, 1, 4, 1, 5, 9, 2, 6];
        var error = RelativeRms(Logits(model.Path, tokens), Logits(floats.Path, tokens));
        Assert.InRange(error, 0.001, 0.5); // four bits of random weights cost 0.35; a forgotten rotation costs the recorded model 1.1
        using var checkpoint = Checkpoint.Open(model.Path);
        Assert.Equal(8192, checkpoint.Config.MaxPositions);
        Assert.Equal((spinQuant, spinQuant ? 0 : 2), (checkpoint.Config.Quantization!.IsRotated, checkpoint.Config.Quantization.AdaptorRank));
    }

    /// <summary>A Meta directory of one shard in Meta's quantized form; for SpinQuant the width of its SwiGLU is a power of two.</summary>
    internal static TestModel Quantize(TestModel floats, bool spinQuant)
    {
        var model = new TestModel();
        var json = JsonNode.Parse(File.ReadAllText(floats.File("params.json")))!;
        json["quantization_args"] = new JsonObject { ["group_size"] = 32 };
        if (!spinQuant)
            json["lora_args"] = new JsonObject { ["rank"] = 2, ["scale"] = 2.0 };
        File.WriteAllText(model.File("params.json"), json.ToJsonString());
        using var file = PthFile.Open(floats.File("consolidated.00.pth"));
        var (entries, storages) = (new List<PthEntry>(), new Dictionary<string, byte[]>());
        void Add(string name, ElementType type, long[] shape, byte[] data)
        {
            storages[$"{entries.Count}"] = data;
            entries.Add(new PthEntry(name, type, shape, $"{entries.Count}"));
        }
        foreach (var view in file.Tensors)
        {
            var values = Values(StridedView.Join([view], 0, []));
            if (view.Shape is not [var rows, var columns])
            {
                Add(view.Name, ElementType.F32, view.Shape, TestModels.Bytes(values, ElementType.F32));
                continue;
            }
            if (spinQuant && view.Name.EndsWith("w2.weight", StringComparison.Ordinal))
                for (var row = 0; row < rows; row++)
                    Cria.Kernels.WalshHadamard.Apply(values.AsSpan(row * (int)columns, (int)columns));
            var isRow = !view.Name.StartsWith("layers.", StringComparison.Ordinal);
            var scales = values.Chunk(isRow ? (int)columns : 32).Select(g => g.Max(Math.Abs) / (isRow ? 127.5f : 7.5f)).ToArray();
            var codes = values.Select((v, i) => (byte)(sbyte)Math.Clamp(MathF.Round(v / scales[i / (isRow ? (int)columns : 32)]), isRow ? -128 : -8, isRow ? 127 : 7)).ToArray();
            Add(view.Name, ElementType.I8, view.Shape, codes);
            Add(view.Name[..^6] + "scales", ElementType.F32, isRow ? [rows] : [rows, columns / 32], TestModels.Bytes(scales, ElementType.F32));
            if (spinQuant || isRow)
                continue;
            Add(view.Name[..^6] + "adaptor.A.weight", ElementType.BF16, [2, columns], new byte[4 * columns]);
            Add(view.Name[..^6] + "adaptor.B.weight", ElementType.BF16, [rows, 2], new byte[4 * rows]);
        }
        File.WriteAllBytes(model.File("consolidated.00.pth"), TestPth.File(entries, storages));
        return model;
    }

    static float[] Logits(string path, int[] tokens)
    {
        using var model = TextModel.Load(path, Exact);
        using var sequence = model.CreateSequence();
        var logits = new float[tokens.Length * model.Config.VocabularySize];
        model.Step([.. tokens.Select((t, i) => new Row(sequence, i, t, true))], logits);
        return logits;
    }

    static unsafe int[] Tokens(Tensor tensor) => [.. Enumerable.Range(0, (int)tensor.Count).Select(i => tensor.Type == ElementType.I64 ? (int)((long*)tensor.Data)[i] : ((int*)tensor.Data)[i])];

    static float[] Values(Tensor tensor)
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return values;
    }

    static double RelativeRms(float[] got, float[] want) => Math.Sqrt(got.Zip(want, (a, b) => ((double)a - b) * (a - b)).Sum() / want.Sum(v => (double)v * v));
}
