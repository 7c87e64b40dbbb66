using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Tensors;

namespace Cria.Tests.Formats;

/// <summary>The recorded model directories of ../shared/golden/text.</summary>
public sealed class GoldenCheckpointTests
{
    [Fact]
    public void EveryModelOpensWithTheRecordedParameters()
    {
        var folders = Directory.GetDirectories(TestFiles.Golden("text")).Where(d => File.Exists(Path.Combine(d, "case.json"))).Order()
            .Select(d => (Folder: d, Case: JsonNode.Parse(File.ReadAllText(Path.Combine(d, "case.json")))!)).ToList();
        Assert.NotEmpty(folders);
        foreach (var (folder, recorded) in folders)
        {
            using var checkpoint = Checkpoint.Open(Path.Combine(folder, "model"));
            var config = checkpoint.Config;
            var shape = recorded["shape"]!;
            Assert.Equal(
                [(int)shape["D"]!, (int)shape["H"]!, (int)shape["K"]!, (int)shape["d"]!, (int)shape["F"]!, (int)shape["L"]!, (int)shape["V"]!],
                [config.HiddenSize, config.HeadCount, config.KvHeadCount, config.HeadSize, config.FeedForwardSize, config.LayerCount, config.VocabularySize]);
            if ((string)recorded["name"]! != "meta-bf16") // tied, but its file holds the matrix twice
                Assert.Equal((bool)recorded["tied"]!, config.TiedEmbeddings);
            Assert.Equal((float)recorded["rope_theta"]!, config.RopeTheta);
            Assert.Equal(Scaling(recorded["rope_scaling"]), config.RopeScaling);
            Assert.Equal(1e-5f, config.NormEpsilon);
            if (recorded["stop_ids"] is JsonArray stops)
                Assert.Equal(stops.Select(s => (int)s!).Order(), checkpoint.Generation.StopIds.Order());
            var type = (string)recorded["checkpoint_dtype"]! switch { "bfloat16" => ElementType.BF16, "float16" => ElementType.F16, _ => ElementType.F32 };
            Assert.All(checkpoint.Tensors, t => Assert.Equal(type, t.Type));
        }
    }

    [Fact]
    public void EveryBrokenDirectoryIsOneLineThatNamesTheFault()
    {
        var rows = JsonNode.Parse(File.ReadAllText(TestFiles.Golden("text", "hostile", "hostile.json")))!.AsArray()
            .Select(r => (Path: TestFiles.Golden("text", "hostile", (string)r!["path"]!), Row: r!)).ToList();
        Assert.NotEmpty(rows);
        foreach (var (path, row) in rows)
        {
            var mentions = row["mentions"]!.AsArray().Select(m => (string)m!).ToList();
            if (row["must_fail"]!.AsArray().Count == 0 || row["path"]!.ToString().StartsWith("ask-", StringComparison.Ordinal))
            {
                Checkpoint.Open(path).Dispose();
                continue;
            }
            var message = Assert.Throws<CriaException>(() => Checkpoint.Open(path)).Message;
            Assert.True(mentions.Any(m => message.Contains(m, StringComparison.OrdinalIgnoreCase)) && message.Length < 1000, $"{path}: {message}");
        }
    }

    static RopeScaling? Scaling(JsonNode? s) => s is null || (string?)(s["rope_type"] ?? s["type"]) == "default" ? null
        : new RopeScaling((float)s["factor"]!, (float)s["low_freq_factor"]!, (float)s["high_freq_factor"]!, (int)s["original_max_position_embeddings"]!);
}
