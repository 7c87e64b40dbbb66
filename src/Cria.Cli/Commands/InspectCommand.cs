using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;
using Spectre.Console;

namespace Cria.Cli.Commands;

/// <summary>`cria inspect`: what a model directory holds. Opening it checks every file, name and shape.</summary>
static class InspectCommand
{
    /// <summary>The type of keys and values that most models take unless told otherwise.</summary>
    const KvType PlannedKv = KvType.F16;

    public static Command Create()
    {
        var model = new Argument<string>("MODEL")
        {
            Description = "A model: a directory, a file, a name of `cria models`, or \"pocket\"",
            DefaultValueFactory = _ => ModelLocator.Default,
        };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("inspect", "Architecture, sizes and tensors of a model.") { model, json };
        command.SetAction(r =>
        {
            using var checkpoint = Checkpoint.Open(ModelLocator.Resolve(r.GetValue(model)!));
            if (r.GetValue(json))
                Output.Json(w => Write(w, checkpoint));
            else if (Console.IsOutputRedirected)
                PrintPlain(checkpoint);
            else
                PrintTables(checkpoint);
            return 0;
        });
        return command;
    }

    internal static void Write(Utf8JsonWriter json, Checkpoint checkpoint)
    {
        foreach (var fields in Facts(checkpoint).SelectMany(f => f.Fields).ToLookup(f => f.Key, f => f.Value))
        {
            json.WritePropertyName(fields.Key);
            if (fields.First() is JsonObject)
                new JsonObject(fields.SelectMany(part => part!.AsObject()).Select(f => KeyValuePair.Create(f.Key, f.Value?.DeepClone()))).WriteTo(json);
            else
                fields.Single()!.WriteTo(json);
        }
        json.WriteStartArray("tensors");
        foreach (var tensor in checkpoint.Tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            json.WriteString("type", tensor.Type.Name());
            json.WriteStartArray("shape");
            foreach (var dimension in tensor.Shape)
                json.WriteNumberValue(dimension);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>A line about a model, and the same as fields of the JSON; objects of the same name are one.</summary>
    sealed record Fact(string What, string Value, JsonObject Fields);

    static Fact[] Facts(Checkpoint checkpoint)
    {
        var c = checkpoint.Config;
        var (stops, memory) = (checkpoint.Generation.StopIds, MemoryPlan.Of(checkpoint, PlannedKv));
        return
        [
            new("model", checkpoint.Path, new() { ["path"] = checkpoint.Path }),
            new("architecture", c.Vision is null ? "Llama text model" : "Llama vision model", new() { ["architecture"] = c.Vision is null ? "llama" : "mllama" }),
            new("parameters", Text($"{checkpoint.ParameterCount:N0}"), new() { ["parameters"] = checkpoint.ParameterCount, ["bytes"] = memory.Weights }),
            new("layers", Text($"{c.LayerCount}, hidden size {c.HiddenSize}, SwiGLU {c.FeedForwardSize}"),
                new() { ["layers"] = c.LayerCount, ["hidden_size"] = c.HiddenSize, ["feed_forward_size"] = c.FeedForwardSize }),
            .. c.Vision is { } v ? VisionFacts(c, v) : [],
            new("heads", Text($"{c.HeadCount} of {c.HeadSize}, {c.KvHeadCount} for keys and values"), new() { ["heads"] = c.HeadCount, ["kv_heads"] = c.KvHeadCount, ["head_size"] = c.HeadSize }),
            new("vocabulary", Text($"{c.VocabularySize}, output matrix {(c.TiedEmbeddings ? "tied to the embedding" : "of its own")}"),
                new() { ["vocabulary_size"] = c.VocabularySize, ["tied_embeddings"] = c.TiedEmbeddings }),
            new("context", Text($"{c.MaxPositions} positions"), new() { ["context"] = c.MaxPositions }),
            new("RMSNorm", Text($"epsilon {c.NormEpsilon}"), new() { ["norm_epsilon"] = c.NormEpsilon }),
            Rope(c),
            new("first token", c.BosId is { } bos ? Text($"{bos}") : "none", c.BosId is null ? [] : new() { ["bos_id"] = c.BosId }),
            new("stop tokens", stops is [] ? "none" : string.Join(", ", stops), new() { ["stop_ids"] = Array(stops) }),
            new("chat template", checkpoint.ChatTemplate is null ? "none" : "of the model", new() { ["chat_template"] = checkpoint.ChatTemplate is not null }),
            new("memory", Text($"weights {Bytes(memory.Weights)}; keys and values in {PlannedKv}: {Bytes(memory.Token)} a token, {Bytes(memory.Context)} for {c.MaxPositions}")
                + (c.Vision is null ? "" : $"; {Bytes(memory.Image)} an image of {c.Vision.MaxTiles} tiles, and {Bytes(memory.ReadingImage)} while one is read"),
                new()
                {
                    ["memory"] = new JsonObject
                    {
                        ["weights"] = memory.Weights,
                        ["token"] = memory.Token,
                        ["context"] = memory.Context,
                        ["image"] = memory.Image,
                        ["reading_image"] = memory.ReadingImage,
                    },
                }),
        ];
    }

    static Fact Rope(ModelConfig c) => c.RopeScaling is not { } s
        ? new("RoPE", Text($"theta {c.RopeTheta}, {(c.RopeFactors is { } f ? Text($"scaled by the file's factors up to {f.Max()}") : "not scaled")}"), new() { ["rope_theta"] = c.RopeTheta })
        : new("RoPE", Text($"theta {c.RopeTheta}, llama3 scaling x{s.Factor} over {s.OriginalMaxPositions} (bands {s.LowFrequencyFactor}, {s.HighFrequencyFactor})"), new()
        {
            ["rope_theta"] = c.RopeTheta,
            ["rope_scaling"] = new JsonObject
            {
                ["factor"] = s.Factor,
                ["low_frequency_factor"] = s.LowFrequencyFactor,
                ["high_frequency_factor"] = s.HighFrequencyFactor,
                ["original_context"] = s.OriginalMaxPositions,
            },
        });

    static Fact[] VisionFacts(ModelConfig c, VisionConfig v) =>
    [
        new("images at", Text($"layers {string.Join(", ", c.CrossAttentionLayers)}; token {c.ImageTokenId}"),
            new() { ["cross_attention_layers"] = Array(c.CrossAttentionLayers), ["image_token_id"] = c.ImageTokenId }),
        new("tiles", Text($"up to {v.MaxTiles} of {v.TileSize} x {v.TileSize}, patches of {v.PatchSize} x {v.PatchSize}: {v.TileTokens} tokens each"),
            new() { ["vision"] = new JsonObject { ["tile_size"] = v.TileSize, ["patch_size"] = v.PatchSize, ["max_tiles"] = v.MaxTiles } }),
        new("encoder", Text($"{v.LocalLayerCount} local and {v.GlobalLayerCount} global layers, width {v.Width}, {v.HeadCount} heads, feed-forward {v.FeedForwardSize}"), new()
        {
            ["vision"] = new JsonObject
            {
                ["width"] = v.Width,
                ["local_layers"] = v.LocalLayerCount,
                ["global_layers"] = v.GlobalLayerCount,
                ["heads"] = v.HeadCount,
                ["feed_forward_size"] = v.FeedForwardSize,
                ["norm_epsilon"] = v.NormEpsilon,
            },
        }),
        new("features", Text($"the output and the input of layers {string.Join(", ", v.IntermediateLayers)}: {v.FeatureSize} a token"),
            new() { ["vision"] = new JsonObject { ["intermediate_layers"] = Array(v.IntermediateLayers) } }),
    ];

    static JsonArray Array(IEnumerable<int> numbers) => [.. numbers.Select(n => JsonValue.Create(n))];

    static string Bytes(long bytes) => bytes >= 1_000_000_000 ? Text($"{bytes / 1e9:f1} GB") : bytes >= 1_000_000 ? Text($"{bytes / 1e6:f1} MB") : Text($"{bytes / 1e3:f1} kB");

    static void PrintPlain(Checkpoint checkpoint)
    {
        foreach (var (what, value, _) in Facts(checkpoint))
            Console.Out.WriteLine($"{what,-14} {value}");
        Console.Out.WriteLine();
        foreach (var row in TensorGroup.Of(checkpoint.Tensors))
            Console.Out.WriteLine($"{row.Name}  {row.Type.Name()}  {row.Shape}");
    }

    static void PrintTables(Checkpoint checkpoint)
    {
        var facts = new Grid().AddColumn().AddColumn();
        foreach (var (what, value, _) in Facts(checkpoint))
            facts.AddRow(new Text(what, Color.Grey), new Text(value));
        var tensors = new Table().RoundedBorder().AddColumns("tensor", "type", "shape");
        foreach (var row in TensorGroup.Of(checkpoint.Tensors))
            tensors.AddRow(new Text(row.Name), new Text(row.Type.Name()), new Text(row.Shape));
        AnsiConsole.Write(facts);
        AnsiConsole.Write(tensors);
    }

    static string Text(FormattableString text) => FormattableString.Invariant(text);
}
