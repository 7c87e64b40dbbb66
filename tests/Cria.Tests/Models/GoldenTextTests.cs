using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Tests.Models;

/// <summary>The recordings of the reference implementations, ../shared/golden/text, Hugging Face and Meta directories.</summary>
public sealed class GoldenTextTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Kv = KvType.F32, Threads = 2 };

    [Theory]
    [InlineData("cfg-*"), InlineData("hf-*"), InlineData("long-*", Traits = ["Emulated", "Slow"]), InlineData("meta-*"), InlineData("real-vocabulary"), InlineData("two-prompts")]
    public void LogitsAndGreedyContinuationsMatchTheReference(string pattern)
    {
        var folders = Directory.GetDirectories(TestFiles.Golden("text"), pattern);
        Assert.NotEmpty(folders);
        foreach (var folder in folders.Order())
        {
            var json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "case.json")))!;
            foreach (var prompt in json["prompts"]!.AsArray())
                Check(folder, json, (string)prompt!);
        }
    }

    static void Check(string folder, JsonNode json, string prompt)
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, prompt));
        var recorded = file.Tensors.ToDictionary(t => t.Name);
        var ids = Integers(recorded["input_ids"]);
        var positions = Integers(recorded["positions"]);
        var expected = new float[recorded["logits"].Count];
        recorded["logits"].CopyTo(expected);
        var tolerance = json["tolerance"]!;
        using (var model = TextModel.Load(Path.Combine(folder, "model"), Exact))
        {
            var (logits, greedy) = Run(model, ids, positions, (bool)json["greedy_check"]! ? Integers(recorded["greedy"]).Length : 0);
            var (overStd, rms) = Errors(logits, expected);
            if (tolerance["max_abs_over_std"] is { } largest)
                Assert.True(overStd <= (double)largest, $"{folder}: off by {overStd:e1} std");
            else
                Assert.True(rms <= (double)tolerance["rms_relative"]!, $"{folder}: off by {rms:e1} relative RMS");
            if (greedy.Count > 0)
                Assert.Equal(Integers(recorded["greedy"]), greedy);
        }
        if (tolerance["default_flags_rms_relative"] is { } allowed)
        {
            using var model = TextModel.Load(Path.Combine(folder, "model"));
            var (_, rms) = Errors(Run(model, ids, positions, 0).Logits, expected);
            Assert.True(rms <= (double)allowed, $"{folder}: off by {rms:e1} relative RMS with default flags");
        }
    }

    /// <summary>The logits at the positions, and a greedy continuation that does not obey end tokens.</summary>
    static (float[] Logits, List<int> Greedy) Run(TextModel model, int[] ids, int[] positions, int continuation)
    {
        var vocabulary = model.Config.VocabularySize;
        var wanted = positions.ToHashSet();
        using var sequence = model.CreateSequence();
        var logits = new float[wanted.Count * vocabulary];
        var last = new float[vocabulary];
        model.Step([.. ids[..^1].Select((t, i) => new Row(sequence, i, t, wanted.Contains(i)))],
            logits.AsSpan(0, wanted.Count(p => p < ids.Length - 1) * vocabulary));
        model.Step([new Row(sequence, ids.Length - 1, ids[^1], true)], last);
        if (wanted.Contains(ids.Length - 1))
            last.CopyTo(logits.AsSpan(^vocabulary..));
        var greedy = new List<int>();
        while (greedy.Count < continuation)
        {
            greedy.Add(Array.IndexOf(last, last.Max()));
            model.Step([new Row(sequence, sequence.Length, greedy[^1], true)], last);
        }
        return (logits, greedy);
    }

    static (double OverStd, double RelativeRms) Errors(float[] got, float[] want)
    {
        var mean = want.Average(v => (double)v);
        var std = Math.Sqrt(want.Average(v => (v - mean) * (v - mean)));
        var differences = got.Zip(want, (a, b) => (double)a - b).ToArray();
        return (differences.Max(Math.Abs) / std, Math.Sqrt(differences.Sum(d => d * d) / want.Sum(v => (double)v * v)));
    }

    static unsafe int[] Integers(Tensor tensor) =>
        [.. MemoryMarshal.Cast<byte, long>(new ReadOnlySpan<byte>(tensor.Data, (int)tensor.ByteLength)).ToArray().Select(v => (int)v)];
}
