using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Tensors;

namespace Cria.Tests;

/// <summary>Writes random adapters for the models of <see cref="TestModels"/>, and the models they amount to.</summary>
static class TestAdapters
{
    public const int Rank = 4, Alpha = 8;

    const string Prefix = "base_model.model.";

    public static JsonObject Config => new() { ["peft_type"] = "LORA", ["r"] = Rank, ["lora_alpha"] = Alpha, ["lora_dropout"] = 0.1, ["target_modules"] = new JsonArray("q_proj") };

    /// <summary>Low-rank products for the matrices whose names are asked for, with DoRA's magnitudes if these are.</summary>
    public static Dictionary<string, (long[] Shape, float[] Values)> Products(TestShape shape, Func<string, bool> of, int seed, bool withMagnitudes = false)
    {
        var random = new Random(seed);
        var tensors = new Dictionary<string, (long[], float[])>();
        foreach (var (name, _, dimensions, _) in TestModels.Weights(shape))
        {
            if (dimensions is not [var rows, var columns] || !of(name))
                continue;
            var module = Prefix + name[..^".weight".Length];
            var (a, b) = name.Contains("embed_tokens") ? (".lora_embedding_A", ".lora_embedding_B") : (".lora_A.weight", ".lora_B.weight");
            var (inputs, outputs) = name.Contains("embed_tokens") ? (rows, columns) : (columns, rows);
            tensors[module + a] = ([Rank, inputs], Values(Rank * inputs, 1 / Math.Sqrt(columns), random));
            tensors[module + b] = ([outputs, Rank], Values(Rank * outputs, 0.3 / Math.Sqrt(Rank), random));
            if (withMagnitudes)
                tensors[module + ".lora_magnitude_vector"] = ([rows], [.. Values(rows, 0.1, random).Select(v => 1 + v)]);
        }
        return tensors;
    }

    /// <summary>Whole weights for the modules whose names are asked for.</summary>
    public static Dictionary<string, (long[] Shape, float[] Values)> Whole(TestShape shape, Func<string, bool> of, int seed) =>
        TestModels.Weights(shape with { Seed = seed, Type = ElementType.F32 }).Where(t => of(t.Name))
            .ToDictionary(t => Prefix + t.Name, t => (t.Shape, MemoryMarshal.Cast<byte, float>(t.Data.Span).ToArray()));

    /// <summary>Writes an adapter's directory.</summary>
    public static string Write(string directory, Dictionary<string, (long[] Shape, float[] Values)> tensors, JsonObject? config = null, ElementType type = ElementType.F32)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "adapter_config.json"), (config ?? Config).ToJsonString());
        SafetensorsWriter.Write(Path.Combine(directory, "adapter_model.safetensors"),
            tensors.Select(t => (t.Key, type, t.Value.Shape, (ReadOnlyMemory<byte>)TestModels.Bytes(t.Value.Values, type))));
        return directory;
    }

    /// <summary>Writes the model that a base of F32 weights and an adapter amount to.</summary>
    public static TestModel WriteMerged(TestShape shape, Dictionary<string, (long[] Shape, float[] Values)> adapter)
    {
        var model = TestModels.Write(shape);
        SafetensorsWriter.Write(model.File("model.safetensors"), TestModels.Weights(shape).Select(t =>
        {
            var (rows, columns) = (t.Shape[0], t.Shape[^1]);
            var values = MemoryMarshal.Cast<byte, float>(t.Data.Span).ToArray();
            var module = Prefix + t.Name[..^".weight".Length];
            if (adapter.TryGetValue(Prefix + t.Name, out var whole))
                values = whole.Values;
            else if (adapter.TryGetValue(module + ".lora_A.weight", out var a))
                AddProduct(values, adapter[module + ".lora_B.weight"].Values, a.Values, rows, columns, adapter.GetValueOrDefault(module + ".lora_magnitude_vector").Values);
            else if (adapter.TryGetValue(module + ".lora_embedding_A", out a)) // the product of the transposed matrix
                AddProduct(values, Transpose(a.Values, rows), Transpose(adapter[module + ".lora_embedding_B"].Values, Rank), rows, columns, null);
            return (t.Name, ElementType.F32, t.Shape, (ReadOnlyMemory<byte>)TestModels.Bytes(values, ElementType.F32));
        }));
        return model;
    }

    static void AddProduct(float[] values, float[] b, float[] a, long rows, long columns, float[]? magnitudes)
    {
        for (var row = 0L; row < rows; row++)
        {
            var sums = new double[columns];
            for (var i = 0L; i < columns; i++)
                sums[i] = values[row * columns + i] + Enumerable.Range(0, Rank).Sum(r => (double)Alpha / Rank * b[row * Rank + r] * a[r * columns + i]);
            var factor = magnitudes is null ? 1 : magnitudes[row] / Math.Sqrt(sums.Sum(s => s * s));
            for (var i = 0L; i < columns; i++)
                values[row * columns + i] = (float)(factor * sums[i]);
        }
    }

    static float[] Transpose(float[] values, long columns) =>
        [.. Enumerable.Range(0, values.Length).Select(i => values[i % (values.Length / columns) * columns + i / (values.Length / columns)])];

    static float[] Values(long count, double scale, Random random) =>
        [.. Enumerable.Range(0, (int)count).Select(_ => (float)(scale * TestModels.Normal(random)))];
}
