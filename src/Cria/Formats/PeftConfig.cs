namespace Cria.Formats;

/// <summary>
/// `adapter_config.json` of a LoRA adapter of PEFT: the rank and the scale of each module's product. Which modules there are follows from the
/// tensors, so fields that only choose them, or that only matter in training, are not read.
/// </summary>
sealed class PeftConfig
{
    const int MaxRank = 1 << 16, MaxPatterns = 1 << 14;

    readonly int _rank;
    readonly float _alpha;
    readonly bool _isRankStabilized;
    readonly List<(ModulePattern Pattern, float Value)> _ranks, _alphas;

    PeftConfig(JsonSection json)
    {
        if (json.Text("peft_type") is var type && type != "LORA")
            throw json.Error("peft_type", type is null ? "is missing" : $"is {OneLine.Quote(type)}, only \"LORA\" is supported");
        foreach (var key in (string[])["lora_bias", "use_qalora"])
            if (json.Flag(key) == true)
                throw json.Error(key, "is true, which is not supported");
        foreach (var key in (string[])["layer_replication", "alora_invocation_tokens"])
            if (json.Has(key))
                throw json.Error(key, "is given, which is not supported");
        _rank = json.Integer("r", 1, MaxRank) ?? throw json.Error("r", "is missing");
        _alpha = json.Number("lora_alpha") ?? throw json.Error("lora_alpha", "is missing");
        _isRankStabilized = json.Flag("use_rslora") ?? false;
        (_ranks, _alphas) = (Patterns(json, "rank_pattern"), Patterns(json, "alpha_pattern"));
        if (_ranks.FindIndex(r => !(r.Value is >= 1 and <= MaxRank && float.IsInteger(r.Value))) is >= 0 and var wrong)
            throw json.Error("rank_pattern", $"holds {_ranks[wrong].Value}, not an integer from 1 to {MaxRank}");
    }

    /// <exception cref="CriaException">The file cannot be read, or asks for more than a low-rank product beside a matrix.</exception>
    public static PeftConfig Read(string path) => JsonFile.Read(path, json => new PeftConfig(json));

    /// <summary>The rank of a module's product.</summary>
    public int RankOf(string module) => (int)Find(_ranks, module, _rank);

    /// <summary>What the product is multiplied by: α / r, or rank-stabilised α / √r (Kalajdzievski 2023).</summary>
    public float ScaleOf(string module)
    {
        var (rank, alpha) = ((double)RankOf(module), Find(_alphas, module, _alpha));
        return (float)(alpha / (_isRankStabilized ? Math.Sqrt(rank) : rank));
    }

    static float Find(List<(ModulePattern Pattern, float Value)> patterns, string module, float usual)
    {
        foreach (var (pattern, value) in patterns)
            if (pattern.Matches(module))
                return value;
        return usual;
    }

    static List<(ModulePattern Pattern, float Value)> Patterns(JsonSection json, string key)
    {
        var numbers = json.NumberMap(key);
        if (numbers.Count > MaxPatterns)
            throw json.Error(key, $"has more than {MaxPatterns} entries");
        return numbers.ConvertAll(entry =>
        {
            try
            {
                return (new ModulePattern(entry.Key), entry.Value);
            }
            catch (CriaException e)
            {
                throw json.Error(key, $"names {OneLine.Quote(entry.Key)}, which {e.Message}");
            }
        });
    }
}
