using System.Text.Json;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Conversion;

/// <summary>Writes a model of any format as a directory in Hugging Face's form.</summary>
public static class HuggingFaceConversion
{
    /// <summary>Files beside the weights that one such directory takes over from another.</summary>
    static readonly string[] Companions = ["tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "chat_template.json", "generation_config.json", "preprocessor_config.json"];

    /// <summary>Reads a model and writes a directory, aside and then renamed. Memory is bounded whatever the size of the model.</summary>
    /// <param name="source">A model directory or file.</param>
    /// <param name="target">The directory to write; nothing of that name may exist.</param>
    /// <param name="type">F32, F16 or BF16; null keeps the type of the source, and makes BF16 of blocks.</param>
    /// <param name="threads">Threads that convert.</param>
    /// <param name="progress">Told after every part.</param>
    /// <param name="cancellation">Looked at between parts; nothing is left behind.</param>
    /// <exception cref="CriaException">The source is not valid or cannot be expressed, or the target exists.</exception>
    public static void Write(string source, string target, ElementType? type, int threads, Action<ConversionProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var model = Checkpoint.Open(source);
        if (model.Config.Quantization is not null)
            throw new CriaException($"{source}: a model in Meta's quantized form cannot be written in Hugging Face's");
        var stored = model.MatrixType;
        var due = type ?? (stored.BlockLength() == 1 ? stored : ElementType.BF16);
        var scaling = RopeScalingFit.Of(model.Config, source);
        var part = new PartWriter(model.Tensors.Sum(t => t.ByteLength), threads, progress, cancellation);
        NewDirectory.Write(target, directory =>
        {
            NewDirectory.WriteJson(Path.Combine(directory, "config.json"), json => Config(json, model.Config, scaling, due));
            WriteCompanions(model, directory);
            NewDirectory.WriteWeights(directory, Tensors(model, due, part));
        });
    }

    static IEnumerable<WrittenTensor> Tensors(Checkpoint model, ElementType type, PartWriter part)
    {
        var c = model.Config;
        var names = TensorNames.HuggingFaceOf(c);
        foreach (var (role, layer, shape) in StoredTensors.Of(c))
        {
            Func<long, long>? rowAt = role is TensorRole.Query or TensorRole.Key && c.AdjacentPairs ? row => HeadRows.InPairs(row, c.HeadSize) : null;
            yield return new(names.Of(role, layer), type, shape, stream => part.Write(model, role, layer, type, rowAt, stream));
        }
    }

    /// <summary>What `config.json` says.</summary>
    internal static void Config(Utf8JsonWriter json, ModelConfig c, RopeScaling? scaling, ElementType type)
    {
        json.WriteStartArray("architectures");
        json.WriteStringValue(c.Vision is null ? "LlamaForCausalLM" : "MllamaForConditionalGeneration");
        json.WriteEndArray();
        json.WriteString("model_type", c.Vision is null ? "llama" : "mllama");
        json.WriteString("torch_dtype", type switch { ElementType.F32 => "float32", ElementType.F16 => "float16", _ => "bfloat16" });
        if (c.Vision is null)
        {
            TextConfig(json, c, scaling);
            return;
        }
        json.WriteNumber("image_token_index", c.VocabularySize);
        json.WriteStartObject("text_config");
        json.WriteString("model_type", "mllama_text_model");
        json.WriteArray("cross_attention_layers", c.CrossAttentionLayers);
        TextConfig(json, c, scaling);
        json.WriteEndObject();
        json.WriteStartObject("vision_config");
        VisionConfig(json, c.Vision);
        json.WriteEndObject();
    }

    static void TextConfig(Utf8JsonWriter json, ModelConfig c, RopeScaling? scaling)
    {
        json.WriteString("hidden_act", "silu");
        json.WriteNumber("hidden_size", c.HiddenSize);
        json.WriteNumber("num_hidden_layers", c.LayerCount);
        json.WriteNumber("num_attention_heads", c.HeadCount);
        json.WriteNumber("num_key_value_heads", c.KvHeadCount);
        json.WriteNumber("head_dim", c.HeadSize);
        json.WriteNumber("intermediate_size", c.FeedForwardSize);
        json.WriteNumber("vocab_size", c.VocabularySize);
        json.WriteNumber("max_position_embeddings", c.MaxPositions);
        json.WriteNumber("rms_norm_eps", c.NormEpsilon);
        json.WriteNumber("rope_theta", c.RopeTheta);
        if (scaling is not null)
        {
            json.WriteStartObject("rope_scaling");
            json.WriteString("rope_type", "llama3");
            json.WriteNumber("factor", scaling.Factor);
            json.WriteNumber("low_freq_factor", scaling.LowFrequencyFactor);
            json.WriteNumber("high_freq_factor", scaling.HighFrequencyFactor);
            json.WriteNumber("original_max_position_embeddings", scaling.OriginalMaxPositions);
            json.WriteEndObject();
        }
        json.WriteBoolean("tie_word_embeddings", c.TiedEmbeddings);
        json.WriteBoolean("attention_bias", false);
        json.WriteBoolean("mlp_bias", false);
        if (c.BosId is { } bos)
            json.WriteNumber("bos_token_id", bos);
        if (c.StopIds.Count > 0)
            json.WriteArray("eos_token_id", c.StopIds);
    }

    static void VisionConfig(Utf8JsonWriter json, VisionConfig v)
    {
        json.WriteString("model_type", "mllama_vision_model");
        json.WriteString("hidden_act", "gelu");
        json.WriteNumber("hidden_size", v.Width);
        json.WriteNumber("num_hidden_layers", v.LocalLayerCount);
        json.WriteNumber("num_global_layers", v.GlobalLayerCount);
        json.WriteNumber("attention_heads", v.HeadCount);
        json.WriteNumber("intermediate_size", v.FeedForwardSize);
        json.WriteNumber("norm_eps", v.NormEpsilon);
        json.WriteNumber("image_size", v.TileSize);
        json.WriteNumber("patch_size", v.PatchSize);
        json.WriteNumber("num_channels", 3);
        json.WriteNumber("max_num_tiles", v.MaxTiles);
        json.WriteArray("intermediate_layers_indices", v.IntermediateLayers);
        json.WriteNumber("vision_output_dim", v.FeatureSize);
        json.WriteStartArray("supported_aspect_ratios");
        foreach (var (rows, columns) in v.AspectRatios)
            json.WriteArray(null, [rows, columns]);
        json.WriteEndArray();
    }

    /// <summary>What `generation_config.json` says.</summary>
    internal static void Sampling(Utf8JsonWriter json, GenerationDefaults sampling)
    {
        json.WriteBoolean("do_sample", sampling.Temperature > 0);
        if (sampling.Temperature > 0)
            json.WriteNumber("temperature", sampling.Temperature);
        json.WriteNumber("top_p", sampling.TopP);
        if (sampling.StopIds.Count > 0)
            json.WriteArray("eos_token_id", sampling.StopIds);
    }

    /// <summary>What transformers' image processor is told; the same for every model but for the tiles.</summary>
    internal static void ImageProcessor(Utf8JsonWriter json, VisionConfig v)
    {
        json.WriteString("image_processor_type", "MllamaImageProcessor");
        foreach (var step in (string[])["do_convert_rgb", "do_resize", "do_rescale", "do_normalize", "do_pad"])
            json.WriteBoolean(step, true);
        json.WriteNumber("resample", 2); // bilinear, as Pillow counts
        json.WriteNumber("rescale_factor", 1 / 255.0);
        json.WriteArray("image_mean", ImageTiles.Mean);
        json.WriteArray("image_std", ImageTiles.Deviation);
        json.WriteNumber("max_image_tiles", v.MaxTiles);
        json.WriteStartObject("size");
        json.WriteNumber("height", v.TileSize);
        json.WriteNumber("width", v.TileSize);
        json.WriteEndObject();
    }

    /// <summary>Vocabulary, chat template and sampling: copies where the source has such files, else written from what it says.</summary>
    static void WriteCompanions(Checkpoint model, string directory)
    {
        NewDirectory.CopyFiles(model, directory, Companions);
        string Missing(string name) => File.Exists(Path.Combine(directory, name)) ? "" : Path.Combine(directory, name);
        if (Missing("generation_config.json") is { Length: > 0 } generation)
            NewDirectory.WriteJson(generation, json => Sampling(json, model.Generation));
        if (model.Config.Vision is { } vision && Missing("preprocessor_config.json") is { Length: > 0 } processor)
            NewDirectory.WriteJson(processor, json => ImageProcessor(json, vision));
        if (Missing("tokenizer.json") != "")
            NewDirectory.WriteTokenizer(model, directory);
        if (model.ChatTemplate is { } template && !Companions.Any(n => n.StartsWith("chat_template", StringComparison.Ordinal) && Missing(n) == "") && Missing("tokenizer_config.json") is { Length: > 0 } config)
            NewDirectory.WriteJson(config, json => WriteTemplates(json, template, ChatTemplateFile.Read(model.Path).ToolUse));
    }

    static void WriteTemplates(Utf8JsonWriter json, string usual, string? toolUse)
    {
        if (toolUse is null)
        {
            json.WriteString("chat_template", usual);
            return;
        }
        json.WriteStartArray("chat_template");
        foreach (var (name, template) in new[] { ("default", usual), ("tool_use", toolUse) })
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("template", template);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
