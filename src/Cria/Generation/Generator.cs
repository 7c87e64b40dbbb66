using System.Runtime.CompilerServices;
using Cria.Models;
using Cria.Tokenization;

namespace Cria.Generation;

/// <summary>
/// Continues prompts with a model, any number at once. A text depends on its prompt, its options and its seed only: not on what else
/// runs. Thread-safe. While it lives, nobody else may use the model; it does not dispose the model.
/// </summary>
public sealed class Generator : IDisposable
{
    static readonly string[] EndTokens = ["<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"];

    readonly TextModel _model;
    readonly Tokenizer? _tokenizer;
    readonly Scheduler _scheduler;

    /// <summary>Starts the scheduler thread.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its vocabulary; null for a model driven by ids, whose answers have no text.</param>
    public Generator(TextModel model, Tokenizer? tokenizer = null)
    {
        _model = model;
        _tokenizer = tokenizer;
        StopIds = [.. model.Config.StopIds.Union(model.Defaults.StopIds).Union(EndTokens.Select(t => tokenizer?.SpecialId(t)).OfType<int>())];
        _scheduler = new Scheduler(model);
    }

    /// <summary>The ids that end an answer unless the caller names others: those of the model's files and of the Llama 3 vocabulary.</summary>
    public IReadOnlyList<int> StopIds { get; }

    /// <summary>Continues a prompt. Work begins with the enumeration; leaving it, or cancelling, ends the work and frees the memory.</summary>
    /// <param name="prompt">The ids, taken as they are: no BOS is added.</param>
    /// <param name="options">How; null = greedy to the end.</param>
    /// <param name="cancellation">Heard between steps, and within one that serves nobody else.</param>
    /// <exception cref="CriaException">The prompt or an option is wrong, the prompt and the tokens asked for do not fit the context, or the model failed.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed, before or while it writes.</exception>
    public IAsyncEnumerable<GeneratedToken> GenerateAsync(ReadOnlyMemory<int> prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        options.Validate();
        var room = _model.Config.MaxPositions - prompt.Length;
        if (prompt.IsEmpty)
            throw new CriaException("the prompt is empty");
        foreach (var id in prompt.Span)
            if ((uint)id >= (uint)_model.Config.VocabularySize)
                throw new CriaException($"the prompt holds token {id}, outside the model's vocabulary of {_model.Config.VocabularySize}");
        foreach (var id in options.LogitBias?.Keys ?? [])
            if ((uint)id >= (uint)_model.Config.VocabularySize)
                throw new CriaException($"logit_bias names token {id}, outside the model's vocabulary of {_model.Config.VocabularySize}");
        if (room < (options.MaxTokens ?? 1))
            throw new CriaException($"a prompt of {prompt.Length} tokens and {options.MaxTokens ?? 1} more do not fit the model's context of {_model.Config.MaxPositions}");
        return Stream(prompt.ToArray(), options, options.MaxTokens ?? room, cancellation);
    }

    /// <summary>Ends all running answers with an <see cref="ObjectDisposedException"/> and frees their memory. Waits for the running step.</summary>
    public void Dispose() => _scheduler.Dispose();

    async IAsyncEnumerable<GeneratedToken> Stream(int[] prompt, GenerationOptions options, int maxTokens, [EnumeratorCancellation] CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var stopIds = (options.StopIds ?? StopIds).ToHashSet();
        var conversation = new Conversation(prompt, options, stopIds, maxTokens, _tokenizer);
        _scheduler.Add(conversation);
        try
        {
            await foreach (var token in conversation.Answer.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                cancellation.ThrowIfCancellationRequested(); // the channel gives what it holds all the same
                yield return token;
            }
        }
        finally
        {
            _scheduler.Abandon(conversation);
        }
    }
}
