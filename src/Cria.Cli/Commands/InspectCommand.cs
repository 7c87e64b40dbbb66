using System.CommandLine;
using System.Globalization;
using System.Text.Json;
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
        var config = checkpoint.Config;
        json.WriteString("path", checkpoint.Path);
        json.WriteString("architecture", config.Vision is null ? "llama" : "mllama");
        json.WriteNumber("parameters", checkpoint.ParameterCount);
        json.WriteNumber("bytes", checkpoint.Tensors.Sum(t => t.ByteLength));
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("layers", config.LayerCount);
        json.WriteNumber("heads", config.HeadCount);
        json.WriteNumber("kv_heads", config.KvHeadCount);
        json.WriteNumber("head_size", config.HeadSize);
        json.WriteNumber("feed_forward_size", config.FeedForwardSize);
        json.WriteNumber("vocabulary_size", config.VocabularySize);
        json.WriteNumber("context", config.MaxPositions);
        json.WriteNumber("norm_epsilon", config.NormEpsilon);
        json.WriteBoolean("tied_embeddings", config.TiedEmbeddings);
        json.WriteNumber("rope_theta", config.RopeTheta);
        if (config.RopeScaling is { } scaling)
        {
            json.WriteStartObject("rope_scaling");
            json.WriteNumber("factor", scaling.Factor);
            json.WriteNumber("low_frequency_factor", scaling.LowFrequencyFactor);
            json.WriteNumber("high_frequency_factor", scaling.HighFrequencyFactor);
            json.WriteNumber("original_context", scaling.OriginalMaxPositions);
            json.WriteEndObject();
        }
        if (config.Vision is { } vision)
            Write(json, config, vision);
        if (config.BosId is { } bos)
            json.WriteNumber("bos_id", bos);
        json.WriteNumbers("stop_ids", checkpoint.Generation.StopIds);
        json.WriteBoolean("chat_template", checkpoint.ChatTemplate is not null);
        var memory = MemoryPlan.Of(checkpoint, PlannedKv);
        json.WriteStartObject("memory");
        json.WriteNumber("weights", memory.Weights);
        json.WriteNumber("token", memory.Token);
        json.WriteNumber("context", memory.Context);
        json.WriteNumber("image", memory.Image);
        json.WriteNumber("reading_image", memory.ReadingImage);
        json.WriteEndObject();
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

    static void Write(Utf8JsonWriter json, ModelConfig config, VisionConfig vision)
    {
        json.WriteNumbers("cross_attention_layers", config.CrossAttentionLayers);
        json.WriteNumber("image_token_id", config.ImageTokenId!.Value);
        json.WriteStartObject("vision");
        json.WriteNumber("width", vision.Width);
        json.WriteNumber("local_layers", vision.LocalLayerCount);
        json.WriteNumber("global_layers", vision.GlobalLayerCount);
        json.WriteNumber("heads", vision.HeadCount);
        json.WriteNumber("feed_forward_size", vision.FeedForwardSize);
        json.WriteNumber("norm_epsilon", vision.NormEpsilon);
        json.WriteNumber("tile_size", vision.TileSize);
        json.WriteNumber("patch_size", vision.PatchSize);
        json.WriteNumber("max_tiles", vision.MaxTiles);
        json.WriteNumbers("intermediate_layers", vision.IntermediateLayers);
        json.WriteEndObject();
    }

    static List<(string What, string Value)> Facts(Checkpoint checkpoint)
    {
        var c = checkpoint.Config;
        return
        [
            ("model", checkpoint.Path),
            ("architecture", c.Vision is null ? "Llama text model" : "Llama vision model"),
            ("parameters", Text($"{checkpoint.ParameterCount:N0}")),
            ("layers", Text($"{c.LayerCount}, hidden size {c.HiddenSize}, SwiGLU {c.FeedForwardSize}")),
            .. c.Vision is { } v ? VisionFacts(c, v) : [],
            ("heads", Text($"{c.HeadCount} of {c.HeadSize}, {c.KvHeadCount} for keys and values")),
            ("vocabulary", Text($"{c.VocabularySize}, output matrix {(c.TiedEmbeddings ? "tied to the embedding" : "of its own")}")),
            ("context", Text($"{c.MaxPositions} positions")),
            ("RMSNorm", Text($"epsilon {c.NormEpsilon}")),
            ("RoPE", c.RopeScaling is not { } s ? Text($"theta {c.RopeTheta}, {(c.RopeFactors is { } f ? Text($"scaled by the file's factors up to {f.Max()}") : "not scaled")}")
                : Text($"theta {c.RopeTheta}, llama3 scaling x{s.Factor} over {s.OriginalMaxPositions} (bands {s.LowFrequencyFactor}, {s.HighFrequencyFactor})")),
            ("first token", c.BosId?.ToString(CultureInfo.InvariantCulture) ?? "none"),
            ("stop tokens", checkpoint.Generation.StopIds is [] ? "none" : string.Join(", ", checkpoint.Generation.StopIds)),
            ("chat template", checkpoint.ChatTemplate is null ? "none" : "of the model"),
            ("memory", MemoryFacts(MemoryPlan.Of(checkpoint, PlannedKv), c)),
        ];
    }

    static string MemoryFacts(MemoryPlan plan, ModelConfig c) =>
        Text($"weights {Bytes(plan.Weights)}; keys and values in {PlannedKv}: {Bytes(plan.Token)} a token, {Bytes(plan.Context)} for {c.MaxPositions}")
        + (c.Vision is null ? "" : $"; {Bytes(plan.Image)} an image of {c.Vision.MaxTiles} tiles, and {Bytes(plan.ReadingImage)} while one is read");

    static string Bytes(long bytes) => bytes >= 1_000_000_000 ? Text($"{bytes / 1e9:f1} GB") : bytes >= 1_000_000 ? Text($"{bytes / 1e6:f1} MB") : Text($"{bytes / 1e3:f1} kB");

    static (string What, string Value)[] VisionFacts(ModelConfig c, VisionConfig v) =>
    [
        ("images at", Text($"layers {string.Join(", ", c.CrossAttentionLayers)}; token {c.ImageTokenId}")),
        ("tiles", Text($"up to {v.MaxTiles} of {v.TileSize} x {v.TileSize}, patches of {v.PatchSize} x {v.PatchSize}: {v.TileTokens} tokens each")),
        ("encoder", Text($"{v.LocalLayerCount} local and {v.GlobalLayerCount} global layers, width {v.Width}, {v.HeadCount} heads, feed-forward {v.FeedForwardSize}")),
        ("features", Text($"the output and the input of layers {string.Join(", ", v.IntermediateLayers)}: {v.FeatureSize} a token")),
    ];

    static void PrintPlain(Checkpoint checkpoint)
    {
        foreach (var (what, value) in Facts(checkpoint))
            Console.Out.WriteLine($"{what,-14} {value}");
        Console.Out.WriteLine();
        foreach (var row in TensorGroup.Of(checkpoint.Tensors))
            Console.Out.WriteLine($"{row.Name}  {row.Type.Name()}  {row.Shape}");
    }

    static void PrintTables(Checkpoint checkpoint)
    {
        var facts = new Grid().AddColumn().AddColumn();
        foreach (var (what, value) in Facts(checkpoint))
            facts.AddRow(new Text(what, Color.Grey), new Text(value));
        var tensors = new Table().RoundedBorder().AddColumns("tensor", "type", "shape");
        foreach (var row in TensorGroup.Of(checkpoint.Tensors))
            tensors.AddRow(new Text(row.Name), new Text(row.Type.Name()), new Text(row.Shape));
        AnsiConsole.Write(facts);
        AnsiConsole.Write(tensors);
    }

    static string Text(FormattableString text) => FormattableString.Invariant(text);
}
