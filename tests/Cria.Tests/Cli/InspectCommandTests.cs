using System.Text.Json.Nodes;
using Cria.Cli.Commands;
using Cria.Formats;

namespace Cria.Tests.Cli;

public sealed class InspectCommandTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void JsonNamesEveryTensorAndCountsATiedMatrixOnce(bool tied)
    {
        using var model = TestModels.Write(new TestShape { Tied = tied });
        using var checkpoint = Checkpoint.Open(model.Path);
        var json = JsonNode.Parse(Output.ToJson(w => InspectCommand.Write(w, checkpoint)))!;
        var tensors = json["tensors"]!.AsArray();
        Assert.Equal(checkpoint.Tensors.Select(t => t.Name), tensors.Select(t => (string)t!["name"]!));
        Assert.Equal(tensors.Sum(t => t!["shape"]!.AsArray().Aggregate(1L, (n, d) => n * (long)d!)), (long)json["parameters"]!);
        Assert.Equal(32, (float)json["rope_scaling"]!["factor"]!);
        Assert.Equal([95], json["stop_ids"]!.AsArray().Select(n => (int)n!));
    }

    [Fact]
    public void MemoryIsPlanned()
    {
        using var checkpoint = Checkpoint.Open(TestFiles.Golden("vision", "models", "a-hf-bf16"));
        var memory = JsonNode.Parse(Output.ToJson(w => InspectCommand.Write(w, checkpoint)))!["memory"]!;
        Assert.Equal(checkpoint.Tensors.Sum(t => t.ByteLength), (long)memory["weights"]!);
        var token = (long)memory["token"]!;
        Assert.InRange(token, 4 * 2 * 2 * 16 * sizeof(ushort), 4 * 2 * 2 * 32 * sizeof(ushort)); // keys and values of two heads of 16, perhaps with padding, in four layers
        Assert.Equal((token * 131072, token / 2 * 4 * 17), ((long)memory["context"]!, (long)memory["image"]!)); // images in two layers
    }

    [Fact]
    public void EqualTensorsOfConsecutiveLayersAreOneRow()
    {
        using var model = TestModels.Write(new TestShape { Layers = 3 });
        using var checkpoint = Checkpoint.Open(model.Path);
        var rows = TensorGroup.Of(checkpoint.Tensors).ToList();
        Assert.Equal(11, rows.Count);
        Assert.Contains(rows, r => r is { Name: "model.layers.0-2.mlp.down_proj.weight", Shape: "[48, 80]" });
        var withoutOne = TensorGroup.Of(checkpoint.Tensors.Where(t => t.Name != "model.layers.1.mlp.down_proj.weight"));
        Assert.Contains(withoutOne, r => r.Name == "model.layers.0,2.mlp.down_proj.weight");
    }
}
