using Cria.Formats;
using Cria.Models;

namespace Cria.Tests.Models;

/// <summary>The far end of a context of 131072 positions, whose keys and values come from the formulas in double precision.</summary>
public sealed class LongContextTests
{
    const int Positions = 131072, Rows = 70, Checked = 4;

    [Fact]
    public void TheLastOf131072PositionsMatchTheFormulasInAnyChunks()
    {
        using var files = TestModels.Write(new TestShape { Layers = 1, Hidden = 32, Heads = 2, KvHeads = 1, HeadSize = 64, FeedForward = 32, MaxPositions = Positions });
        using var checkpoint = Checkpoint.Open(files.Path);
        var random = new Random(7);
        int[] tokens = [.. Enumerable.Range(0, Positions).Select(_ => random.Next(96))];
        var naive = new NaiveTextModel(checkpoint, Rope.Frequencies(500000, 64, checkpoint.Config.RopeScaling));
        var layer = naive.FirstLayer(tokens[..(Positions - Rows)]);
        var expected = naive.Logits(tokens, Positions - Checked);
        foreach (var (kv, tolerance) in new[] { (KvType.F32, 2e-4), (KvType.BF16, 2e-2), (KvType.Q8_0, 5e-2) })
        {
            using var model = TextModel.Load(files.Path, new ModelOptions { Kv = kv, Threads = 2 });
            using var sequence = model.CreateSequence();
            Fill(model, sequence, layer);
            var together = Read(model, sequence, tokens, Rows);
            Assert.Equal(Positions / KvCache.PagePositions * model.Cache.PageBytes, model.CacheBytes);
            for (var i = 0; i < Checked; i++)
                for (var t = 0; t < 96; t++)
                    Assert.Equal(expected[i][t], together[(Rows - Checked + i) * 96 + t], tolerance);
            Assert.Contains("131072 positions", Assert.Throws<CriaException>(() => model.Step([new Row(sequence, Positions, 1, true)], new float[96])).Message);
            foreach (var chunk in new[] { 1, 33 })
            {
                sequence.Truncate(Positions - Rows);
                Assert.Equal(together, Read(model, sequence, tokens, chunk));
            }
        }
    }

    static unsafe void Fill(TextModel model, Sequence sequence, (double[][] Keys, double[][] Values) layer)
    {
        sequence.PendingLength = layer.Keys.Length;
        sequence.Grow();
        sequence.Commit();
        var (key, value) = (new float[64], new float[64]);
        fixed (float* k = key, v = value)
            for (var i = 0; i < layer.Keys.Length; i++)
            {
                for (var d = 0; d < 64; d++)
                    (key[d], value[d]) = ((float)layer.Keys[i][d], (float)layer.Values[i][d]);
                var page = (byte*)sequence.Pages[i / KvCache.PagePositions];
                model.Cache.Format.Write(page, page + model.Cache.Format.KeyBytes, i % KvCache.PagePositions, k, v);
            }
    }

    /// <summary>The logits of the last rows, read so many at a time.</summary>
    static float[] Read(TextModel model, Sequence sequence, int[] tokens, int chunk)
    {
        var logits = new float[Rows * 96];
        for (var read = 0; read < Rows; read += chunk)
        {
            var count = Math.Min(chunk, Rows - read);
            Row[] rows = [.. Enumerable.Range(sequence.Length, count).Select(p => new Row(sequence, p, tokens[p], true))];
            model.Step(rows, logits.AsSpan(read * 96, count * 96));
        }
        return logits;
    }
}
