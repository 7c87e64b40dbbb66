using System.Text;
using Cria.Conversion;
using Cria.Evaluation.Pocket;
using Cria.Formats;
using Cria.Kernels.Blocks;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Tests.Conversion;

/// <summary>Which columns of the weights count: measured, written, read and used.</summary>
public sealed class ImportanceMatrixTests
{
    static readonly ModelOptions Exact = new() { Compute = ComputeType.F32, Threads = 2 };

    [Fact]
    public void AColumnCountsTheMeanSquareOfItsInput()
    {
        using var source = TestModels.Write(new() { Layers = 1 });
        int[][] texts = [[5, 17, 3, 90], [41, 2]];
        var matrix = ImportanceMatrix.Collect(source.Path, texts, Exact, cancellation: TestContext.Current.CancellationToken);
        using var checkpoint = Checkpoint.Open(source.Path);
        var (hidden, norm, embedding) = (48, Values(checkpoint.Get(TensorRole.AttentionNorm)), Values(checkpoint.Get(TensorRole.Embedding)));
        var due = new double[hidden];
        foreach (var id in texts.SelectMany(t => t))
        {
            var row = embedding.AsSpan(id * hidden, hidden).ToArray();
            var scale = 1 / Math.Sqrt(row.Sum(v => (double)v * v) / hidden + checkpoint.Config.NormEpsilon);
            for (var i = 0; i < hidden; i++)
                due[i] += Math.Pow(row[i] * scale * norm[i], 2) / 6;
        }
        foreach (var name in (string[])["blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight"])
            Assert.All(matrix.Of(name, hidden).Zip(due), pair => Assert.Equal(pair.Second, pair.First, 1e-5 * due.Max()));
        Assert.Equal(["blk.0.attn_k", "blk.0.attn_output", "blk.0.attn_q", "blk.0.attn_v", "blk.0.ffn_down", "blk.0.ffn_gate", "blk.0.ffn_up"],
            matrix.Names.Select(n => n[..^".weight".Length]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void BothFormsOfFilesSayTheSame()
    {
        using var source = TestModels.Write(new() { Layers = 1, Hidden = 64, FeedForward = 64, HeadSize = 16 });
        ImportanceMatrix.Collect(source.Path, [[5, 17, 3, 90]], Exact, cancellation: TestContext.Current.CancellationToken).Write(source.File("new"), "text", 4);
        var matrix = ImportanceMatrix.Read(source.File("new"));
        WriteOlder(source.File("old"), matrix.Names.Select(n => (n, matrix.Of(n, 64))));
        var older = ImportanceMatrix.Read(source.File("old"));
        Assert.All(matrix.Names, n => Assert.All(matrix.Of(n, 64).Zip(older.Of(n, 64)), p => Assert.Equal(p.First, p.Second, 1e-6f * p.First)));
        Assert.Empty(matrix.Of("blk.9.attn_q.weight", 64));
        Assert.Contains("64 columns for blk.0.attn_q.weight, which has 32", Assert.Throws<CriaException>(() => matrix.Of("blk.0.attn_q.weight", 32)).Message);
    }

    [Theory]
    [InlineData("q2_k"), InlineData("q3_k"), InlineData("iq4_nl")]
    public void WhatCountsIsKeptMoreExactly(string type)
    {
        using var folder = new TestModel();
        var (path, stop) = (ModelLocator.Resolve("pocket"), TestContext.Current.CancellationToken);
        var tokenizer = ModelTokenizer.Load(path);
        int[][] texts = [.. PocketWorld.Families.Take(3).SelectMany(f => PocketWorld.Items(f, PocketSplit.Train, 1, 4))
            .Select(item => (int[])[tokenizer.BosId, .. tokenizer.Encode(PocketWorld.PromptText(item))])];
        var matrix = ImportanceMatrix.Collect(path, texts, Exact, cancellation: stop);
        GgufConversion.Write(path, folder.File("exact.gguf"), QuantizationRecipe.Find("f32"), 2, null, stop);
        GgufConversion.Write(path, folder.File("plain.gguf"), QuantizationRecipe.Find(type), 2, null, stop);
        GgufConversion.Write(path, folder.File("weighed.gguf"), QuantizationRecipe.Find(type), 2, null, stop, matrix);
        using var exact = GgufFile.Open(folder.File("exact.gguf"));
        double Error(string name)
        {
            using var file = GgufFile.Open(folder.File(name));
            return matrix.Names.Sum(tensor =>
            {
                var (due, got) = (Values(exact.Tensors.Single(t => t.Name == tensor)), Values(file.Tensors.Single(t => t.Name == tensor)));
                var columns = matrix.Of(tensor, exact.Tensors.Single(t => t.Name == tensor).Shape[1]);
                return due.Zip(got, (a, b) => (a - b) * (a - b)).Select((e, i) => e * columns[i % columns.Length]).Sum(e => (double)e);
            });
        }
        Assert.InRange(Error("weighed.gguf") / Error("plain.gguf"), 0.1, 0.95);
    }

    [Fact]
    public void DamagedFilesAndThoseOfOtherModelsAreRefused()
    {
        using var folder = new TestModel();
        WriteOlder(folder.File("old"), [("blk.0.attn_q.weight", [1, 2, 3]), ("output.weight", [4])]);
        using (var model = TestModels.Write(new() { Layers = 1 }))
        {
            ImportanceMatrix.Collect(model.Path, [[5, 17]], Exact, cancellation: TestContext.Current.CancellationToken).Write(folder.File("new"), "text", 2);
            Assert.Throws<CriaException>(() => GgufConversion.Write(model.Path, folder.File("x.gguf"), QuantizationRecipe.Find("q4_0"), 1, null, TestContext.Current.CancellationToken, ImportanceMatrix.Read(folder.File("old"))));
            Assert.False(File.Exists(folder.File("x.gguf")));
        }
        var mutator = new Mutator(7);
        foreach (var name in (string[])["old", "new"])
        {
            var (whole, refused) = (File.ReadAllBytes(folder.File(name)), 0);
            for (var i = 0; i < 1000; i++)
            {
                File.WriteAllBytes(folder.File("bad"), mutator.Bytes(whole));
                try
                {
                    ImportanceMatrix.Read(folder.File("bad"));
                }
                catch (CriaException e)
                {
                    Assert.DoesNotContain('\n', e.Message);
                    refused++;
                }
            }
            Assert.InRange(refused, 100, 1000);
        }
    }

    static void WriteOlder(string path, IEnumerable<(string Name, float[] Means)> entries)
    {
        using var writer = new BinaryWriter(File.Create(path));
        writer.Write(entries.Count());
        foreach (var (name, means) in entries)
        {
            writer.Write(name.Length);
            writer.Write(Encoding.ASCII.GetBytes(name));
            writer.Write(3);
            writer.Write(means.Length);
            foreach (var mean in means)
                writer.Write(mean * 3);
        }
        writer.Write(3);
        writer.Write(4);
        writer.Write("text"u8);
    }

    static unsafe ReadOnlySpan<byte> Bytes(Tensor tensor) => new(tensor.Data, (int)tensor.ByteLength);

    static float[] Values(Tensor tensor)
    {
        var values = new float[tensor.Count];
        BlockFormats.Dequantize(tensor.Type, Bytes(tensor), values);
        return values;
    }
}
