using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Models;
using Cria.Tensors;

namespace Cria.Conversion;

/// <summary>Writes a model of any format as GGUF, its matrices in the types of a recipe.</summary>
public static class GgufConversion
{
    /// <summary>Reads a model and writes a GGUF file, aside and then renamed. Memory is bounded whatever the size of the model.</summary>
    /// <param name="source">A model directory or file.</param>
    /// <param name="target">The file to write.</param>
    /// <param name="recipe">The types of the matrices; null keeps those of the source.</param>
    /// <param name="threads">Threads that quantize.</param>
    /// <param name="progress">Told after every part.</param>
    /// <param name="cancellation">Looked at between parts; nothing is left behind.</param>
    /// <param name="importance">How much the error of each column counts where a type is searched for; null for all alike.</param>
    /// <exception cref="CriaException">The source is not valid, holds a weight that is not finite, or the importance is another model's.</exception>
    public static void Write(string source, string target, QuantizationRecipe? recipe, int threads, Action<ConversionProgress>? progress = null, CancellationToken cancellation = default, ImportanceMatrix? importance = null)
    {
        using var model = Checkpoint.Open(source);
        if (model.Config.Quantization is not null)
            throw new CriaException($"{source}: a model in Meta's quantized form cannot be written as GGUF");
        if (importance is not null && !Parts(model.Config).Any(p => importance.Names.Contains(p.Name)))
            throw new CriaException("the importance matrix names none of the model's tensors");
        using var original = GgufFile.Is(source) ? GgufFile.Open(source) : null;
        var part = new PartWriter(model.Tensors.Sum(t => t.ByteLength), threads, progress, cancellation);
        GgufWriter.Write(target, Metadata(model, original, recipe), [.. Tensors(model, recipe, importance, part)]);
    }

    static GgufMetadata Metadata(Checkpoint model, GgufFile? original, QuantizationRecipe? recipe)
    {
        const string FileType = "general.file_type", Version = "general.quantization_version";
        var (c, metadata) = (model.Config, new GgufMetadata());
        if (original is not null)
        {
            foreach (var (key, value) in original.Values)
                if (key is not (FileType or Version or "general.alignment") && !key.StartsWith("split.", StringComparison.Ordinal)
                    && (c.Vision is null || !key.StartsWith("mllama.", StringComparison.Ordinal)))
                    metadata.Add(key, value);
            if (c.Vision is not null)
                AddConfig(metadata, c); // all of it, since the encoder may have been a file of its own
        }
        else
        {
            metadata.Add("general.architecture", Architecture(c));
            metadata.Add("general.type", "model");
            metadata.Add("general.name", Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Path))));
            AddConfig(metadata, c);
            AddVocabulary(metadata, VocabularyList.Read(model), c.BosId, model.Generation.StopIds);
            var templates = ChatTemplateFile.Read(model.Path);
            if (templates.Default is { } template)
                metadata.Add(ChatTemplateFile.GgufKey, template);
            if (templates.ToolUse is { } toolUse)
                metadata.Add(ChatTemplateFile.GgufToolUseKey, toolUse);
        }
        metadata.Add(FileType, recipe?.FileType ?? QuantizationRecipe.FileTypeOf(model.MatrixType));
        metadata.Add(Version, 2u);
        return metadata;
    }

    /// <summary>What `general.architecture` says, and the keys of the configuration begin with.</summary>
    internal static string Architecture(ModelConfig c) => c.Vision is null ? "llama" : "mllama";

    /// <summary>The keys of a configuration.</summary>
    internal static void AddConfig(GgufMetadata metadata, ModelConfig c)
    {
        var prefix = Architecture(c);
        metadata.Add($"{prefix}.block_count", (uint)c.LayerCount);
        metadata.Add($"{prefix}.context_length", (uint)c.MaxPositions);
        metadata.Add($"{prefix}.embedding_length", (uint)c.HiddenSize);
        metadata.Add($"{prefix}.feed_forward_length", (uint)c.FeedForwardSize);
        metadata.Add($"{prefix}.attention.head_count", (uint)c.HeadCount);
        metadata.Add($"{prefix}.attention.head_count_kv", (uint)c.KvHeadCount);
        metadata.Add($"{prefix}.attention.key_length", (uint)c.HeadSize);
        metadata.Add($"{prefix}.attention.value_length", (uint)c.HeadSize);
        metadata.Add($"{prefix}.attention.layer_norm_rms_epsilon", c.NormEpsilon);
        metadata.Add($"{prefix}.rope.freq_base", c.RopeTheta);
        metadata.Add($"{prefix}.rope.dimension_count", (uint)c.HeadSize);
        metadata.Add($"{prefix}.vocab_size", (uint)c.VocabularySize);
        if (c.Vision is not { } v)
            return;
        metadata.Add("mllama.attention.cross_attention_layers", c.CrossAttentionLayers);
        metadata.Add("mllama.vision.block_count", (uint)v.LocalLayerCount);
        metadata.Add("mllama.vision.global.block_count", (uint)v.GlobalLayerCount);
        metadata.Add("mllama.vision.intermediate_layers_indices", v.IntermediateLayers);
        metadata.Add("mllama.vision.embedding_length", (uint)v.Width);
        metadata.Add("mllama.vision.feed_forward_length", (uint)v.FeedForwardSize);
        metadata.Add("mllama.vision.attention.head_count", (uint)v.HeadCount);
        metadata.Add("mllama.vision.attention.layer_norm_epsilon", v.NormEpsilon);
        metadata.Add("mllama.vision.image_size", (uint)v.TileSize);
        metadata.Add("mllama.vision.patch_size", (uint)v.PatchSize);
        metadata.Add("mllama.vision.max_num_tiles", (uint)v.MaxTiles);
        metadata.Add("mllama.vision.num_channels", 3u);
    }

    /// <summary>The keys of a vocabulary, if there is one, of the token that a text begins with and of the one that ends it.</summary>
    internal static void AddVocabulary(GgufMetadata metadata, VocabularyList? vocabulary, int? bosId, IReadOnlyList<int> stopIds)
    {
        if (vocabulary is not null)
        {
            metadata.Add("tokenizer.ggml.model", "gpt2");
            metadata.Add("tokenizer.ggml.pre", "llama-bpe");
            metadata.Add("tokenizer.ggml.tokens", vocabulary.Tokens);
            metadata.Add("tokenizer.ggml.token_type", vocabulary.Kinds);
            metadata.Add("tokenizer.ggml.merges", vocabulary.Merges);
        }
        if (bosId is { } bos)
            metadata.Add("tokenizer.ggml.bos_token_id", (uint)bos);
        // An instruct model ends a turn rather than a text; a base model has no turns.
        var turn = vocabulary is null ? -1 : Array.IndexOf(vocabulary.Tokens, "<|eot_id|>");
        if (stopIds.Count > 0)
            metadata.Add("tokenizer.ggml.eos_token_id", (uint)(stopIds.Contains(turn) ? turn : stopIds[0]));
    }

    static IEnumerable<WrittenTensor> Tensors(Checkpoint model, QuantizationRecipe? recipe, ImportanceMatrix? importance, PartWriter part)
    {
        var c = model.Config;
        if (RopeFactors(c) is { } factors)
            yield return factors;
        foreach (var (name, shape, role, layer) in Parts(c))
        {
            var tensor = model.Get(role, layer);
            if (shape is [1])
            {
                yield return new(name, ElementType.F32, shape, stream => WriteGate(tensor, name, stream));
                continue;
            }
            var type = shape.Length == 1 ? ElementType.F32 : recipe?.TypeOf(role, layer, c.LayerCount, shape[1], tensor.Type) ?? tensor.Type;
            var isReordered = role is TensorRole.Query or TensorRole.Key && !c.AdjacentPairs || role is TensorRole.CrossQuery or TensorRole.CrossKey;
            Func<long, long>? rowAt = isReordered ? row => HeadRows.InHalves(row, c.HeadSize) : null;
            var columns = shape.Length == 1 ? null : importance?.Of(name, shape[1]);
            yield return new(name, type, shape, stream => part.Write(model, role, layer, type, rowAt, stream, columns));
        }
    }

    /// <summary>The tensors of a model's file and the roles that they are made from: of a vision model those of Ollama's (spec llama32-vision 5.6).</summary>
    internal static IEnumerable<(string Name, long[] Shape, TensorRole Role, int Layer)> Parts(ModelConfig c)
    {
        var names = TensorNames.GgufOf(c);
        foreach (var (role, layer, shape) in StoredTensors.Of(c))
        {
            yield return (names.Of(role, layer), shape, role, layer);
            if (role == TensorRole.VisionPositionGate)
                yield return (TensorNames.GgufLocalPositionGate, shape, role, layer);
        }
    }

    /// <summary>The gates of the encoder are evaluated, those of cross-attention are not.</summary>
    static void WriteGate(Tensor tensor, string name, Stream stream)
    {
        var gate = new float[1];
        tensor.CopyTo(gate);
        if (name == TensorNames.GgufLocalPositionGate)
            gate[0] = 1 - MathF.Tanh(gate[0]);
        else if (name.StartsWith("v.", StringComparison.Ordinal))
            gate[0] = MathF.Tanh(gate[0]);
        stream.Write(MemoryMarshal.AsBytes<float>(gate));
    }

    /// <summary>The factors of a file, or what the scaling's parameters divide each frequency by; null for a model without either.</summary>
    internal static WrittenTensor? RopeFactors(ModelConfig c)
    {
        if (c.RopeFactors is null && c.RopeScaling is null)
            return null;
        var (plain, scaled) = (Rope.Frequencies(c.RopeTheta, c.HeadSize, null), Rope.Frequencies(c.RopeTheta, c.HeadSize, c.RopeScaling));
        float[] factors = [.. c.RopeFactors ?? plain.Zip(scaled, (p, s) => p / s)];
        return new("rope_freqs.weight", ElementType.F32, [factors.Length], stream => stream.Write(MemoryMarshal.AsBytes<float>(factors)));
    }
}
