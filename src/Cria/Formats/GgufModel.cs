using System.Globalization;
using Cria.Tokenization;

namespace Cria.Formats;

/// <summary>A Llama model in GGUF, in one file or in several (spec 4.3): its configuration is the first file's metadata.</summary>
static class GgufModel
{
    const int MaxFiles = 1024;
    const string Factors = "rope_freqs.weight";

    /// <summary>The file beside a vision model's in which Ollama once put the encoder.</summary>
    public const string EncoderFile = "projector.gguf";

    public static Checkpoint Open(string path)
    {
        var files = new List<GgufFile>();
        try
        {
            files.Add(GgufFile.Open(path));
            OpenOthers(files);
            var first = files[0];
            if (EncoderOf(first) is { } apart)
                files.Add(GgufFile.Open(apart));
            var tensors = files.SelectMany(f => f.Tensors).ToList();
            var config = GgufConfig.Read(first, tensors.Find(t => t.Name == TensorNames.Gguf.Embedding), tensors.Find(t => t.Name == Factors),
                tied: !tensors.Exists(t => t.Name == TensorNames.Gguf.Output));
            if (GgufConfig.IsVision(first))
                config = GgufConfig.WithVision(config, first, HoldsEncoder(first) ? first : files[^1]);
            var tokenizer = GgufTokenizer.Read(first);
            if (tokenizer is not null && tokenizer.VocabularySize != config.VocabularySize && tokenizer.VocabularySize != config.ImageTokenId + 1)
                throw first.Error("tokenizer.ggml.tokens", $"has {tokenizer.VocabularySize} tokens for an embedding of {config.VocabularySize}");
            var template = ChatTemplateFile.Read(first).Default;
            config = config with { StopIds = StopIds(first, tokenizer, config) };
            var names = TensorNames.GgufOf(config);
            if (config.Vision is not null && !tensors.Exists(t => t.Name == names.Of(TensorRole.VisionAttentionNorm)))
                names = TensorNames.GgufOf(config, ofPair: true);
            List<IDisposable> memories = [.. files];
            return new Checkpoint(path, config, Defaults(config, template), template, names, tensors, memories,
                config.Vision is null ? null : (role, tensor) => VisionLayout.FromGguf(role, tensor, config, memories));
        }
        catch
        {
            files.ForEach(f => f.Dispose());
            throw;
        }
    }

    /// <summary>The file of a vision model's encoder where the model has it not: the one beside it, or a blob of Ollama's store.</summary>
    /// <exception cref="CriaException">There is none.</exception>
    public static string? EncoderOf(GgufFile first)
    {
        if (!GgufConfig.IsVision(first) || HoldsEncoder(first))
            return null;
        var beside = Path.Combine(Path.GetDirectoryName(first.Path)!, EncoderFile);
        return File.Exists(beside) ? beside : OllamaManifest.EncoderOf(first.Path)
            ?? throw new CriaException($"{first.Path}: a vision model without its encoder, no {EncoderFile} beside it, and no manifest of Ollama's that names one");
    }

    static bool HoldsEncoder(GgufFile file) => file.Values.ContainsKey("mllama.vision.block_count");

    /// <summary>The other files of a split model, whose names differ in their number: NAME-00001-of-00003.gguf.</summary>
    static void OpenOthers(List<GgufFile> files)
    {
        const string Number = "split.no", Count = "split.count", Total = "split.tensors.count";
        var first = files[0];
        var count = first.Integer(Count, 0, int.MaxValue) ?? 1;
        if (count <= 1)
            return;
        var ending = string.Create(CultureInfo.InvariantCulture, $"-00001-of-{count:D5}.gguf");
        if (count > MaxFiles || first.Integer(Number, 0, int.MaxValue) != 0 || !first.Path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            throw first.Error(Count, $"is {count}: of at most {MaxFiles} files give the first, whose name ends with {ending}");
        for (var i = 1; i < count; i++)
        {
            var other = GgufFile.Open(first.Path[..^ending.Length] + string.Create(CultureInfo.InvariantCulture, $"-{i + 1:D5}-of-{count:D5}.gguf"));
            files.Add(other);
            if (other.Integer(Number, 0, int.MaxValue) != i || other.Integer(Count, 0, int.MaxValue) != count)
                throw other.Error(Number, $"and {Count} do not say file {i} of {count}");
        }
        if (first.Integer(Total, 0, int.MaxValue) is { } total && total != files.Sum(f => f.Tensors.Count))
            throw first.Error(Total, $"is {total}, the files hold {files.Sum(f => f.Tensors.Count)}");
    }

    /// <summary>The end tokens that the metadata names, and those that end a turn or a text by their names.</summary>
    static int[] StopIds(GgufFile file, Tokenizer? tokenizer, ModelConfig config) =>
    [
        .. new[] { "eos", "eot", "eom" }
            .Select(name => file.Integer($"tokenizer.ggml.{name}_token_id", 0, config.VocabularySize - 1))
            .Concat(SpecialTokens.Ends.Select(name => tokenizer?.SpecialId(name)))
            .OfType<int>().Distinct(),
    ];

    /// <summary>GGUF does not say how to sample; a model with a chat template is sampled as Meta's instruct models are (spec section 7), another greedily.</summary>
    static GenerationDefaults Defaults(ModelConfig config, string? template) =>
        new() { Temperature = template is null ? 0 : 0.6f, TopP = template is null ? 1 : 0.9f, StopIds = config.StopIds };
}
