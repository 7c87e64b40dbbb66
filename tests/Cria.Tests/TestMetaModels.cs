using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Tensors;

namespace Cria.Tests;

/// <summary>Writes the models of <see cref="TestModels"/> as Meta directories: the same network, its query and key rows in Meta's order.</summary>
static class TestMetaModels
{
    /// <summary>Heads that make up the width, and a SwiGLU width that params.json can express.</summary>
    public static TestShape Shape { get; } = new() { Hidden = 64, FeedForward = 96, ScaledRope = false, MaxPositions = 8192, Tied = false };

    /// <summary>What <see cref="Shape"/> needs of params.json.</summary>
    public static JsonObject Parameters(TestShape s) => new()
    {
        ["dim"] = s.Hidden,
        ["n_layers"] = s.Layers,
        ["n_heads"] = s.Heads,
        ["n_kv_heads"] = s.KvHeads,
        ["vocab_size"] = s.Vocabulary,
        ["ffn_dim_multiplier"] = 0.5,
        ["multiple_of"] = 16,
        ["norm_eps"] = 1e-5,
        ["rope_theta"] = 500000.0,
        ["use_scaled_rope"] = s.ScaledRope,
    };

    public static TestModel Write(TestShape? shape = null, int shards = 1, bool transposed = false, Action<JsonObject>? parameters = null)
    {
        shape ??= Shape;
        var model = new TestModel();
        var json = Parameters(shape);
        parameters?.Invoke(json);
        File.WriteAllText(model.File("params.json"), json.ToJsonString());
        for (var shard = 0; shard < shards; shard++)
        {
            var (entries, storages) = (new List<PthEntry>(), new Dictionary<string, byte[]>());
            foreach (var (name, type, dimensions, data) in Weights(shape))
            {
                var axis = name.EndsWith("wo.weight", StringComparison.Ordinal) || name.EndsWith("w2.weight", StringComparison.Ordinal) ? 1 : 0;
                var part = dimensions.Length == 1 ? (Shape: dimensions, Data: data) : Cut(data, dimensions, type.BlockBytes(), axis, shard, shards);
                var view = transposed && dimensions.Length == 2 ? [1, part.Shape[0]] : StridedView.ContiguousStrides(part.Shape);
                storages[$"{entries.Count}"] = transposed && dimensions.Length == 2 ? Transpose(part.Data, part.Shape, type.BlockBytes()) : part.Data;
                entries.Add(new PthEntry(name, type, part.Shape, $"{entries.Count}", 0, view));
            }
            if (shape.Tied)
                entries.Add(entries[0] with { Name = "output.weight" });
            File.WriteAllBytes(model.File($"consolidated.{shard:D2}.pth"), TestPth.File(entries, storages));
        }
        return model;
    }

    static IEnumerable<(string Name, ElementType Type, long[] Shape, byte[] Data)> Weights(TestShape shape)
    {
        var names = Enumerable.Range(0, shape.Layers).SelectMany(l => Enum.GetValues<TensorRole>().Where(r => r <= TensorRole.Output).Select(r => (Role: r, Layer: l)))
            .DistinctBy(r => TensorNames.HuggingFace.Of(r.Role, r.Layer)).ToDictionary(r => TensorNames.HuggingFace.Of(r.Role, r.Layer));
        foreach (var (name, type, dimensions, data) in TestModels.Weights(shape))
        {
            var (role, layer) = names[name];
            var bytes = data.ToArray();
            yield return (TensorNames.Meta.Of(role, layer), type, dimensions,
                role is TensorRole.Query or TensorRole.Key ? Interleave(bytes, (int)dimensions[0], shape.HeadSize) : bytes);
        }
    }

    /// <summary>Row 2j of a head is Hugging Face's row j, row 2j + 1 its row j + d/2.</summary>
    static byte[] Interleave(byte[] data, int rows, int headSize)
    {
        var row = data.Length / rows;
        return [.. Enumerable.Range(0, rows).SelectMany(r =>
        {
            var (head, i) = (r / headSize, r % headSize);
            var source = head * headSize + i / 2 + i % 2 * (headSize / 2);
            return data[(source * row)..((source + 1) * row)];
        })];
    }

    static (long[] Shape, byte[] Data) Cut(byte[] data, long[] shape, int size, int axis, int shard, int shards)
    {
        var (rows, columns) = ((int)shape[0], (int)shape[1] * size);
        if (axis == 0)
            return ([rows / shards, shape[1]], data[(shard * rows / shards * columns)..((shard + 1) * rows / shards * columns)]);
        var (from, to) = (shard * columns / shards, (shard + 1) * columns / shards);
        return ([rows, shape[1] / shards], [.. Enumerable.Range(0, rows).SelectMany(r => data[(r * columns + from)..(r * columns + to)])]);
    }

    static byte[] Transpose(byte[] data, long[] shape, int size)
    {
        var (rows, columns) = ((int)shape[0], (int)shape[1]);
        var result = new byte[data.Length];
        for (var i = 0; i < rows * columns; i++)
            data.AsSpan(i * size, size).CopyTo(result.AsSpan((i % columns * rows + i / columns) * size));
        return result;
    }
}
