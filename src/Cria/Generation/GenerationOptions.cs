using Cria.Formats;
using Cria.Generation.Constraints;
using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// How to choose tokens and when to stop. Unset means off: greedy, no filter, no penalty, until a stop id or the end of the context.
/// Filters work in this order: logit bias and penalties, temperature, top-k, top-p, min-p.
/// </summary>
public sealed record GenerationOptions
{
    /// <summary>At most this many new tokens, 1 or more; null = as many as the context holds.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Divides the logits; 0 = always the most probable token, of equal ones the lowest id.</summary>
    public float Temperature { get; init; }

    /// <summary>Only the k most probable tokens; 0 = all.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Only the shortest head of the tokens by probability p whose sum exceeds this: a token goes when the sum before it does
    /// (spec section 7). 1 = all.
    /// </summary>
    public float TopP { get; init; } = 1;

    /// <summary>Only tokens at least this many times as probable as the most probable one, 0 to 1.</summary>
    public float MinP { get; init; }

    /// <summary>Positive logits of tokens in the prompt or the answer are divided by this, negative ones multiplied (CTRL, arXiv 1909.05858); 1 = off.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Taken from a token's logit for each time it stands in the answer.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Taken from a token's logit if it stands in the answer.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Added to the logits of single tokens; negative infinity forbids one.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Same seed, same prompt, same options: same text, on one machine, whatever else runs. Null = another text every time.</summary>
    public ulong? Seed { get; init; }

    /// <summary>The ids that end an answer; null = the model's own, and those of the Llama 3 vocabulary that end a text, a turn or a message.</summary>
    public IReadOnlyList<int>? StopIds { get; init; }

    /// <summary>Texts that end an answer as soon as one stands in it; the answer is cut before it. They may straddle tokens.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Give the log probability of every token and of this many alternatives, 0 to 1000; null = none. They are of the model's raw logits.</summary>
    public int? TopLogProbs { get; init; }

    /// <summary>What the answer must be; null = any text. It is complete before <see cref="MaxTokens"/> run out.</summary>
    public Constraint? Constraint { get; init; }

    /// <summary>The text before the answer that <see cref="Constraint"/> takes in: the beginning of what must satisfy it.</summary>
    public string ConstraintPrefix { get; init; } = "";

    /// <summary>How tokens are guessed ahead; it changes the speed, not the text.</summary>
    public Speculation Speculation { get; init; }

    /// <summary>The adapter of this conversation, of <see cref="TextModel.LoadAdapter"/>; null = that of <see cref="ModelOptions.Adapter"/>, if any.</summary>
    public Adapter? Adapter { get; init; }

    /// <summary>The images of the prompt in the order of the tokens that stand for them (<see cref="ModelConfig.ImageTokenId"/>), as many as there are such.</summary>
    public IReadOnlyList<ImageTiles> Images { get; init; } = [];

    /// <summary>
    /// Told which part of these is read, from 0 to 1, while they are: on the generator's own thread, which it must not keep. Not told where all of them are known
    /// from earlier requests.
    /// </summary>
    public IProgress<double>? ImageProgress { get; init; }

    /// <summary>How a model wants to be sampled.</summary>
    public static GenerationOptions From(GenerationDefaults defaults) => new()
    {
        Temperature = defaults.Temperature,
        TopK = defaults.TopK,
        TopP = defaults.TopP,
        MinP = defaults.MinP,
        RepetitionPenalty = defaults.RepetitionPenalty,
    };

    /// <summary>Says what is wrong with these options.</summary>
    /// <exception cref="CriaException">A value is outside its range.</exception>
    public void Validate()
    {
        Check(MaxTokens is null or > 0, "max_tokens", MaxTokens, "1 or more");
        Check(float.IsFinite(Temperature) && Temperature >= 0, "temperature", Temperature, "0 or more");
        Check(TopK >= 0, "top_k", TopK, "0 or more");
        Check(TopP is >= 0 and <= 1, "top_p", TopP, "between 0 and 1");
        Check(MinP is >= 0 and <= 1, "min_p", MinP, "between 0 and 1");
        Check(float.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, "repetition_penalty", RepetitionPenalty, "more than 0");
        Check(float.IsFinite(FrequencyPenalty), "frequency_penalty", FrequencyPenalty, "a finite number");
        Check(float.IsFinite(PresencePenalty), "presence_penalty", PresencePenalty, "a finite number");
        Check(TopLogProbs is null or (>= 0 and <= 1000), "logprobs", TopLogProbs, "between 0 and 1000");
        foreach (var (id, bias) in LogitBias ?? new Dictionary<int, float>())
            Check(bias < float.PositiveInfinity, $"logit_bias of token {id}", bias, "a number");
        if (StopStrings.Any(string.IsNullOrEmpty))
            throw new CriaException("stop holds an empty text");
    }

    static void Check(bool right, string name, object? value, string range)
    {
        if (!right)
            throw new CriaException(FormattableString.Invariant($"{name} is {value}; it must be {range}"));
    }
}
