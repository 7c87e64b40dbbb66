using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Tests.Models;

/// <summary>The recordings over GGUF files, ../shared/golden/gguf/models.</summary>
public sealed class GoldenGgufTests
{
    [Fact]
    public void LogitsAndGreedyContinuationsMatchTheReferenceInEveryType()
    {
        var folder = TestFiles.Golden("gguf", "models");
        foreach (var recorded in JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "cases.json")))!["cases"]!.AsArray())
        {
            using var expected = SafetensorsFile.Open(Path.Combine(folder, (string)recorded!["expected"]!));
            using var model = TextModel.Load(Path.Combine(folder, (string)recorded["file"]!), new() { Compute = ComputeType.F32, Threads = 2 });
            var logits = Floats(expected.Find("logits")!);
            var got = Logits(model, Integers(expected.Find("input_ids")!));
            var (overStd, rms) = Errors(got, logits);
            if (recorded["bar_max_over_std"] is { } largest)
                Assert.True(overStd <= (double)largest, $"{recorded["file"]}: off by {overStd:e1} std");
            else
                Assert.True(rms <= (double)recorded["bar_relative_rms"]!, $"{recorded["file"]}: off by {rms:e1} relative RMS");
            var sure = Integers(expected.Find("greedy")!)[..(int)recorded["greedy_sure"]!];
            Assert.Equal(sure, Greedy(model, Integers(expected.Find("greedy_prompt")!), sure.Length));
        }
    }

    static float[] Logits(TextModel model, int[] ids)
    {
        using var sequence = model.CreateSequence();
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Step([.. ids.Select((id, i) => new Row(sequence, i, id, true))], logits);
        return logits;
    }

    static List<int> Greedy(TextModel model, int[] prompt, int count)
    {
        using var sequence = model.CreateSequence();
        var logits = new float[model.Config.VocabularySize];
        model.Step([.. prompt.Select((id, i) => new Row(sequence, i, id, i == prompt.Length - 1))], logits);
        var ids = new List<int>();
        while (ids.Count < count)
        {
            ids.Add(Array.IndexOf(logits, logits.Max()));
            model.Step([new Row(sequence, sequence.Length, ids[^1], true)], logits);
        }
        return ids;
    }

    static (double OverStd, double RelativeRms) Errors(float[] got, float[] want)
    {
        var mean = want.Average(v => (double)v);
        var std = Math.Sqrt(want.Average(v => (v - mean) * (v - mean)));
        var differences = got.Zip(want, (a, b) => (double)a - b).ToArray();
        return (differences.Max(Math.Abs) / std, Math.Sqrt(differences.Sum(d => d * d) / want.Sum(v => (double)v * v)));
    }

    static float[] Floats(Tensor tensor)
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return values;
    }

    static unsafe int[] Integers(Tensor tensor) => MemoryMarshal.Cast<byte, int>(new ReadOnlySpan<byte>(tensor.Data, (int)tensor.ByteLength)).ToArray();
}
