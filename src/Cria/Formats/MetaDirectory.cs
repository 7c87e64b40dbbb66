using System.Globalization;
using Cria.Tensors;
using Cria.Tokenization;

namespace Cria.Formats;

/// <summary>
/// Meta's original model directory: `params.json`, `consolidated.00.pth` and, of a model trained in parallel, its other shards, and
/// `tokenizer.model` (spec sections 3 and 4.2).
/// </summary>
static class MetaDirectory
{
    const int MaxShards = 64;
    const string Parameters = "params.json";

    /// <summary>Whether a directory looks like one; where there are weights in Hugging Face's form as well, those are read.</summary>
    public static bool Is(string path) => Directory.Exists(path) && !HuggingFaceDirectory.HasWeights(path)
        && (File.Exists(Path.Combine(path, Parameters)) || Shards(path).Count > 0);

    public static Checkpoint Open(string path)
    {
        var parameters = Path.Combine(path, Parameters);
        if (!File.Exists(parameters))
            throw new CriaException($"{path}: {Name(0)} but no {Parameters}");
        var files = new List<PthFile>();
        var gathered = new List<GatheredMemory>();
        try
        {
            foreach (var shard in Shards(path))
                files.Add(PthFile.Open(shard));
            if (files.Count == 0)
                throw new CriaException($"{path}: {Parameters} but no {Name(0)}");
            var tensors = MetaShards.Join(files, gathered, out var tied);
            var config = MetaParams.Read(parameters, tensors, tied);
            if (config.Quantization is not null && files.Count > 1)
                throw new CriaException($"{parameters}: quantization_args of a model in {files.Count} shards; quantized models have one");
            if (Tokenizer.LoadIfPresent(path) is { } tokenizer)
                config = WithTokens(config, tokenizer, parameters);
            // The reference samples every model so (spec section 7).
            var generation = new GenerationDefaults { Temperature = 0.6f, TopP = 0.9f, StopIds = config.StopIds };
            List<IDisposable> memories = [.. files, .. gathered];
            return new Checkpoint(path, config, generation, null, TensorNames.MetaOf(config), tensors, memories,
                config.Vision is null ? null : (role, tensor) => VisionLayout.FromMeta(role, tensor, config, memories));
        }
        catch
        {
            gathered.ForEach(g => g.Dispose());
            files.ForEach(f => f.Dispose());
            throw;
        }
    }

    /// <summary>The first token and the end tokens of base and instruct models; the reference asks the vocabulary to have the size of the model's.</summary>
    static ModelConfig WithTokens(ModelConfig config, Tokenizer tokenizer, string parameters) => tokenizer.VocabularySize == config.VocabularySize
        ? config with
        {
            BosId = tokenizer.SpecialId("<|begin_of_text|>"),
            StopIds = [.. SpecialTokens.Ends.Select(tokenizer.SpecialId).OfType<int>()],
        }
        : throw new CriaException($"{parameters}: vocab_size is {config.VocabularySize}, the tokenizer has {tokenizer.VocabularySize} tokens");

    /// <summary>The shards in the order of their numbers, which must begin at 0 and leave out none.</summary>
    static List<string> Shards(string path)
    {
        var names = Directory.EnumerateFiles(path, "consolidated.*.pth", new EnumerationOptions { IgnoreInaccessible = true })
            .Select(Path.GetFileName).OfType<string>().Where(n => n.Length == Name(0).Length && int.TryParse(n.AsSpan(13, 2), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Order(StringComparer.Ordinal).Take(MaxShards + 1).ToList();
        for (var i = 0; i < names.Count; i++)
            if (i == MaxShards || names[i] != Name(i))
                throw new CriaException(i == MaxShards ? $"{path}: more than {MaxShards} shards" : $"{path}: {names[i]} but no {Name(i)}");
        return [.. names.Select(n => Path.Combine(path, n))];
    }

    static string Name(int shard) => string.Create(CultureInfo.InvariantCulture, $"consolidated.{shard:D2}.pth");
}
