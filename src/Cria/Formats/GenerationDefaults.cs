namespace Cria.Formats;

/// <summary>
/// How a model wants to be sampled, from its `generation_config.json`. Without the file, or without `do_sample`: greedy, as the
/// Hugging Face library does it. Keys that this record does not have are ignored.
/// </summary>
public sealed record GenerationDefaults
{
    /// <summary>0 is greedy.</summary>
    public float Temperature { get; init; }

    /// <summary>Nucleus: the smallest set of tokens with at least this probability; 1 keeps all.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Only this many of the most likely tokens; 0 keeps all. Not set by Llama 3.2, and Meta's own code has none.</summary>
    public int TopK { get; init; }

    /// <summary>Only tokens with at least this share of the best one's probability; 0 keeps all.</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive logits of tokens already seen and multiplies negative ones; 1 does nothing.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>The tokens that end a text: those of generation_config.json, then the others of config.json.</summary>
    public IReadOnlyList<int> StopIds { get; init; } = [];

    /// <summary>Reads the file beside a model's configuration; it may be absent.</summary>
    /// <exception cref="CriaException">The file cannot be read or a field is wrong.</exception>
    internal static GenerationDefaults Read(string path, ModelConfig config) => !File.Exists(path)
        ? new GenerationDefaults { StopIds = config.StopIds }
        : JsonFile.Read(path, json => new GenerationDefaults
        {
            Temperature = json.Flag("do_sample") == true ? AtLeastZero(json, "temperature") ?? 1 : 0,
            TopP = json.Number("top_p", 0) is { } topP ? Math.Min(topP, 1) : 1,
            TopK = json.Integer("top_k", 0, int.MaxValue) ?? 0,
            MinP = AtLeastZero(json, "min_p") is { } minP ? Math.Min(minP, 1) : 0,
            RepetitionPenalty = json.Number("repetition_penalty", 0) ?? 1,
            StopIds = [.. json.Integers("eos_token_id", 0, config.VocabularySize - 1).Union(config.StopIds)],
        });

    static float? AtLeastZero(JsonSection json, string key) =>
        json.Number(key) is { } value && value < 0 ? throw json.Error(key, $"is {value}, it must not be negative") : json.Number(key);
}
