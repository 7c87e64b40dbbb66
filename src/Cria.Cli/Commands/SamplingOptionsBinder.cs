using System.CommandLine;
using System.CommandLine.Parsing;
using Cria.Generation;
using Cria.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace Cria.Cli.Commands;

/// <summary>The options of commands that write text: how tokens are chosen and when to stop. What is not given comes from the model.</summary>
sealed class SamplingOptionsBinder
{
    readonly Option<int?> maxTokens = new("--max-tokens") { Description = "At most this many new tokens" };
    readonly Option<float?> temperature = new("--temperature") { Description = "Randomness; 0 always takes the most probable token" };
    readonly Option<int?> topK = new("--top-k") { Description = "Only the k most probable tokens" };
    readonly Option<float?> topP = new("--top-p") { Description = "Only the most probable tokens that together exceed this probability" };
    readonly Option<float?> minP = new("--min-p") { Description = "Only tokens at least this many times as probable as the best" };
    readonly Option<float?> repeatPenalty = new("--repeat-penalty") { Description = "Divides the logits of tokens that were there before" };
    readonly Option<ulong?> seed = new("--seed") { Description = "The same seed writes the same text" };
    readonly Option<string[]> stop = new("--stop") { Description = "A text that ends the answer, which is cut before it; may be repeated" };

    readonly Option<FileInfo?> jsonSchema = new("--json-schema") { Description = "Write JSON that satisfies the schema in this file" };
    readonly Option<FileInfo?> grammar = new("--grammar") { Description = "Write text of the grammar in this file (GBNF)" };
    readonly Option<string?> regex = new("--regex") { Description = "Write text that this regular expression matches as a whole" };

    /// <summary>Adds the options to <paramref name="command"/>; values outside their range are wrong arguments.</summary>
    public SamplingOptionsBinder(Command command)
    {
        foreach (var option in new Option[] { maxTokens, temperature, topK, topP, minP, repeatPenalty, seed, stop, jsonSchema, grammar, regex })
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (new Option[] { jsonSchema, grammar, regex }.Count(o => result.GetResult(o) is not null) > 1)
                result.AddError("only one of --json-schema, --grammar and --regex can be given");
            try
            {
                Generation(result, new()).Validate();
            }
            catch (CriaException e)
            {
                result.AddError(e.Message);
            }
            catch (InvalidOperationException)
            {
                // A value that is no number: the parser has reported it.
            }
        });
    }

    /// <summary>The options given, over those of the model.</summary>
    public GenerationOptions Generation(SymbolResult result, GenerationOptions model) => model with
    {
        MaxTokens = result.GetValue(maxTokens) ?? model.MaxTokens,
        Temperature = result.GetValue(temperature) ?? model.Temperature,
        TopK = result.GetValue(topK) ?? model.TopK,
        TopP = result.GetValue(topP) ?? model.TopP,
        MinP = result.GetValue(minP) ?? model.MinP,
        RepetitionPenalty = result.GetValue(repeatPenalty) ?? model.RepetitionPenalty,
        Seed = result.GetValue(seed) ?? model.Seed,
        StopStrings = result.GetValue(stop) ?? [],
    };

    /// <summary>What the text must be, if it must be anything.</summary>
    /// <exception cref="CriaException">The file cannot be read, or what it holds cannot be honoured.</exception>
    public Constraint? ConstraintOf(SymbolResult result) =>
        result.GetValue(jsonSchema) is { } schema ? Constraint.JsonSchema(Input.ReadText(schema.FullName))
        : result.GetValue(grammar) is { } rules ? Constraint.Gbnf(Input.ReadText(rules.FullName))
        : result.GetValue(regex) is { } pattern ? Constraint.Regex(pattern) : null;

    /// <summary>The options given, for a chat client.</summary>
    public ChatOptions Chat(SymbolResult result)
    {
        var options = new ChatOptions
        {
            MaxOutputTokens = result.GetValue(maxTokens),
            Temperature = result.GetValue(temperature),
            TopK = result.GetValue(topK),
            TopP = result.GetValue(topP),
            Seed = unchecked((long?)result.GetValue(seed)),
            StopSequences = result.GetValue(stop) ?? [],
            AdditionalProperties = [],
        };
        if (result.GetValue(minP) is { } p)
            options.AdditionalProperties["min_p"] = p;
        if (result.GetValue(repeatPenalty) is { } penalty)
            options.AdditionalProperties["repetition_penalty"] = penalty;
        if (ConstraintOf(result) is { } constraint)
            options.AdditionalProperties["constraint"] = constraint;
        return options;
    }
}
