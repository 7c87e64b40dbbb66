using System.Text.Json;
using Cria.Formats;
using Cria.Training.Data;
using Cria.Training.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Cria.Training.Tests;

public sealed class PackingTests
{
    [Fact]
    public void EveryDocumentIsPlacedOnceWholeAndInASegmentOfItsOwn()
    {
        var lengths = new[] { 3, 7, 16, 1, 9, 4, 4, 12, 5, 2 };
        TrainingDocument Document(long i) => TrainingDocument.Text([.. Enumerable.Range(0, lengths[i % lengths.Length]).Select(k => (int)i * 100 + k + 1)]);
        var packer = new Packer(Document, 16);
        var seen = new List<long>();
        for (var row = 0; row < 40; row++)
        {
            var rows = packer.Next(1);
            var (tokens, positions) = (rows.Tokens().data<long>().ToArray(), rows.Positions().data<long>().ToArray());
            var mask = rows.Mask().squeeze().data<bool>().ToArray();
            for (var at = 0; at < 16 && tokens[at] != 0;)
            {
                var index = tokens[at] / 100;
                var length = lengths[index % lengths.Length];
                seen.Add(index);
                for (var k = 0; k < length; k++)
                {
                    Assert.Equal(index * 100 + k + 1, tokens[at + k]);
                    Assert.Equal(k, positions[at + k]);
                    for (var key = 0; key < 16; key++)
                        Assert.Equal(key >= at && key <= at + k, mask[(at + k) * 16 + key]);
                }
                at += length;
            }
        }
        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.True(seen.Max() - seen.Count < 64, "a document was left behind");
    }

    [Fact]
    public void APackerGoesOnFromItsState()
    {
        TrainingDocument Document(long i) => TrainingDocument.Text([.. Enumerable.Range(0, (int)(i * 7 % 13) + 1).Select(k => (int)i + 1)]);
        var whole = new Packer(Document, 32);
        whole.Next(5);
        var resumed = new Packer(Document, 32) { State = whole.State };
        for (var i = 0; i < 10; i++)
            Assert.Equal(whole.Next(2).Tokens().data<long>().ToArray(), resumed.Next(2).Tokens().data<long>().ToArray());
    }

    [Fact]
    public void ADocumentLongerThanARowIsAnError()
    {
        var error = Assert.Throws<CriaException>(() => new Packer(_ => TrainingDocument.Text(new int[9]), 8).Next(1));
        Assert.Contains("document 0", error.Message);
    }

    [Fact]
    public void APackedRowHasTheRecordedLogitsAndLoss()
    {
        using var family = new GoldenFamily("packing");
        var recorded = family.Case("tiny_model_0");
        var (inputs, expected, c) = (recorded.GetProperty("inputs"), recorded.GetProperty("expected"), recorded.GetProperty("params").GetProperty("config"));
        var config = new ModelConfig
        {
            HiddenSize = c.GetProperty("dim").GetInt32(),
            LayerCount = c.GetProperty("layers").GetInt32(),
            HeadCount = c.GetProperty("heads").GetInt32(),
            KvHeadCount = c.GetProperty("kv").GetInt32(),
            HeadSize = c.GetProperty("head_dim").GetInt32(),
            FeedForwardSize = c.GetProperty("ffn").GetInt32(),
            VocabularySize = c.GetProperty("vocab").GetInt32(),
            MaxPositions = 128,
            NormEpsilon = 1e-5f,
            RopeTheta = 10000,
            TiedEmbeddings = true,
        };
        using var model = new TextModule(config) { Compute = ScalarType.Float32 };
        using (no_grad())
            foreach (var weight in inputs.GetProperty("weights").EnumerateObject())
                model.Weights[weight.Name].copy_(family.Tensor(weight.Value));
        var documents = inputs.GetProperty("documents").EnumerateArray().Select(Ids).ToList();
        var row = Ids(inputs.GetProperty("row"));
        var packed = new PackedRows(1, row.Length);
        var (at, segment) = (0, 0);
        foreach (var document in documents)
        {
            packed.Place(0, at, segment++, TrainingDocument.Text(document));
            at += document.Length;
        }
        Assert.Equal(row, packed.Tokens().data<long>().Select(t => (int)t));

        var hidden = model.Hidden(packed.Tokens(), packed.Positions(), packed.Mask());
        var (places, labels) = packed.Targets();
        Assert.Equal(expected.GetProperty("valid_tokens").GetInt32(), labels.shape[0]);
        var loss = F.cross_entropy(model.Logits(hidden.flatten(0, 1).index_select(0, places)), labels);
        Assert.Equal(expected.GetProperty("loss_packed").GetDouble(), loss.item<float>(), 1e-5);
        var want = family.Tensor(expected.GetProperty("logits_packed")).to(ScalarType.Float32).flatten();
        var got = model.Logits(hidden[0]).flatten();
        Assert.True((want[..(at * config.VocabularySize)] - got[..(at * config.VocabularySize)]).abs().max().item<float>() < 1e-4);
        loss.backward();
        foreach (var gradient in expected.GetProperty("grads").EnumerateObject())
            Assert.True((family.Tensor(gradient.Value).to(ScalarType.Float32) - model.Weights[gradient.Name].grad!).abs().max().item<float>() < 1e-4, gradient.Name);
    }

    static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetInt32())];
}
