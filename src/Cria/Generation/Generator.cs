using System.Runtime.CompilerServices;
using Cria.Models;
using Cria.Tokenization;

namespace Cria.Generation;

/// <summary>
/// Continues prompts with a model, and embeds texts, any number at once. A text depends on its prompt, its options and its seed only, an
/// embedding on its text: not on what else runs. Thread-safe. While it lives, nobody else may use the model; it does not dispose the model.
/// </summary>
public sealed class Generator : IDisposable
{
    readonly TextModel _model;
    readonly Tokenizer? _tokenizer;
    readonly GeneratorOptions _options;
    readonly Scheduler _scheduler;

    /// <summary>Starts the scheduler thread.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its vocabulary; null for a model driven by ids, whose answers have no text.</param>
    /// <param name="options">How much it takes on.</param>
    /// <exception cref="CriaException">An option is outside its range, or the draft model has another vocabulary.</exception>
    public Generator(TextModel model, Tokenizer? tokenizer = null, GeneratorOptions? options = null)
    {
        (_model, _tokenizer, _options) = (model, tokenizer, (options ?? new()).Complete(model));
        StopIds = [.. model.Config.StopIds.Union(model.Defaults.StopIds).Union(SpecialTokens.Ends.Select(t => tokenizer?.SpecialId(t)).OfType<int>())];
        var positions = _options.CacheBytes!.Value / (model.Cache.PageBytes + (_options.Draft?.Cache.PageBytes ?? 0)) * KvCache.PagePositions;
        MaxPositions = (int)Math.Min(model.Config.MaxPositions, positions);
        _scheduler = new Scheduler(model, _options);
    }

    /// <summary>The ids that end an answer unless the caller names others: those of the model's files and of the Llama 3 vocabulary.</summary>
    public IReadOnlyList<int> StopIds { get; }

    /// <summary>The options in effect: what was left open is filled in.</summary>
    public GeneratorOptions Options => _options;

    /// <summary>Bytes of keys and values kept of conversations that have ended; a part of <see cref="TextModel.CacheBytes"/>.</summary>
    public long PrefixBytes => _scheduler.PrefixBytes;

    /// <summary>Positions that a conversation may have: the model's context, or as many as fit <see cref="GeneratorOptions.CacheBytes"/> if that is less.</summary>
    public int MaxPositions { get; }

    /// <summary>Texts of one call that are embedded at once: enough short ones to fill a step, and not so many that conversations wait long for their share.</summary>
    internal int EmbeddedAtOnce => Math.Min(8, _options.MaxConversations);

    /// <summary>Continues a prompt. Work begins with the enumeration; leaving it, or cancelling, ends the work and frees the memory.</summary>
    /// <param name="prompt">The ids, taken as they are: no BOS is added.</param>
    /// <param name="options">How; null = greedy to the end.</param>
    /// <param name="cancellation">Heard between steps, and within one that serves nobody else.</param>
    /// <exception cref="CriaException">The prompt or an option is wrong, the prompt and the tokens asked for do not fit the context or the memory,
    /// too many requests wait, or the model failed.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed, before or while it writes.</exception>
    public IAsyncEnumerable<GeneratedToken> GenerateAsync(ReadOnlyMemory<int> prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        options.Validate();
        if (prompt.IsEmpty)
            throw new CriaException("the prompt is empty");
        _model.Config.CheckImages(prompt.Span, options.Images.Count);
        CheckTokens("the prompt", prompt.Span, _model.Config.ImageTokenId);
        foreach (var image in options.Images)
            _model.Vision!.Check(image);
        if (options.Images.DistinctBy(image => image.Hash).Sum(_model.BytesOf) is var bytes && bytes > _options.ImageBytes)
            throw new CriaException($"the images take {bytes} bytes of keys and values, and image_bytes is {_options.ImageBytes}");
        if (options.Images.Count > 0 && options.Speculation == Speculation.Draft)
            throw new CriaException("speculation is draft, and the draft model does not see the images of the prompt");
        foreach (var id in options.LogitBias?.Keys ?? [])
            if ((uint)id >= (uint)_model.Config.VocabularySize)
                throw new CriaException($"logit_bias names token {id}, outside the model's vocabulary of {_model.Config.VocabularySize}");
        if (options.Speculation == Speculation.Draft && _options.Draft is null)
            throw new CriaException("speculation is draft, and the generator has no draft model");
        if (options.Constraint is not null && _tokenizer is null)
            throw new CriaException("a constraint needs a model with a tokenizer");
        var room = MaxPositions - prompt.Length;
        if (room < (options.MaxTokens ?? 1))
            throw new CriaException($"a prompt of {prompt.Length} tokens and {options.MaxTokens ?? 1} more do not fit {Context}");
        return Stream(prompt.ToArray(), options, options.MaxTokens ?? room, cancellation);
    }

    /// <summary>
    /// Embeds texts: of each the mean over all its tokens of the last hidden states, after the final norm, scaled to length 1 [D]. The same text has the same
    /// bits alone and in any company. The texts share the steps of the conversations that run.
    /// </summary>
    /// <param name="texts">The ids, taken as they are: no BOS is added.</param>
    /// <param name="adapter">With which they are read; null for that of <see cref="ModelOptions.Adapter"/>, if any.</param>
    /// <param name="cancellation">Heard between steps, and within one that serves nobody else.</param>
    /// <exception cref="CriaException">A text is wrong or does not fit the context or the memory, too many requests wait, or the model failed.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed, before or meanwhile.</exception>
    public async Task<float[][]> EmbedAsync(IReadOnlyList<int[]> texts, Adapter? adapter = null, CancellationToken cancellation = default)
    {
        for (var i = 0; i < texts.Count; i++)
        {
            if (texts[i].Length == 0)
                throw new CriaException($"text {i} has no tokens");
            if (texts[i].Length > MaxPositions)
                throw new CriaException($"text {i} of {texts[i].Length} tokens does not fit {Context}");
            CheckTokens($"text {i}", texts[i]);
        }
        using var keepsAdapter = Keep(adapter);
        var embeddings = new float[texts.Count][];
        await Parallel.ForAsync(0, texts.Count, new ParallelOptions { MaxDegreeOfParallelism = EmbeddedAtOnce, CancellationToken = cancellation }, async (i, cancellation) =>
        {
            var request = new EmbeddingRequest(texts[i], adapter);
            _scheduler.Add(request);
            try
            {
                embeddings[i] = await request.Result.WaitAsync(cancellation).ConfigureAwait(false);
            }
            finally
            {
                _scheduler.Abandon(request);
            }
        }).ConfigureAwait(false);
        return embeddings;
    }

    /// <summary>
    /// Writes what is kept of the beginning of a text to a file, in whole pages of 64 positions: usually a conversation that has ended, without an adapter of its own. The file is
    /// about as large as this part of <see cref="TextModel.CacheBytes"/>, and is written aside, then renamed. Gives the number of positions.
    /// </summary>
    /// <exception cref="CriaException">The file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed.</exception>
    public async Task<int> SaveAsync(ReadOnlyMemory<int> text, string path)
    {
        Sequence? sequence = null;
        await _scheduler.RunAsync(prefixes => sequence = prefixes.Begin([.. text.Span, 0])).ConfigureAwait(false);
        using (sequence)
        {
            SequenceFile.Save(_model, sequence!, text.Span, path);
            return sequence!.Length / KvCache.PagePositions * KvCache.PagePositions;
        }
    }

    /// <summary>Takes in what <see cref="SaveAsync"/> wrote: a prompt that begins like that text goes on after it. Gives the number of positions.</summary>
    /// <exception cref="CriaException">The file cannot be read, is damaged or too long, or is another model's.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed.</exception>
    public async Task<int> LoadAsync(string path)
    {
        var (sequence, ids) = SequenceFile.Load(_model, path, MaxPositions);
        using (sequence)
            await _scheduler.RunAsync(prefixes => prefixes.Keep(sequence, ids)).ConfigureAwait(false);
        return ids.Length;
    }

    /// <summary>Ends all running answers with an <see cref="ObjectDisposedException"/> and frees their memory. Waits for the running step.</summary>
    public void Dispose() => _scheduler.Dispose();

    async IAsyncEnumerable<GeneratedToken> Stream(int[] prompt, GenerationOptions options, int maxTokens, [EnumeratorCancellation] CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var keepsAdapter = Keep(options.Adapter);
        var stopIds = (options.StopIds ?? StopIds).ToHashSet();
        var conversation = new Conversation(prompt, options, stopIds, maxTokens, _tokenizer, _model.Config.ImageTokenId);
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

    /// <summary>What a text has to fit, for an error.</summary>
    string Context => MaxPositions == _model.Config.MaxPositions ? $"the model's context of {MaxPositions}"
        : $"the {MaxPositions} positions for which {_options.CacheBytes} bytes of keys and values have room";

    /// <summary>Keeps an adapter from being unloaded, or says why it cannot be used.</summary>
    Sequence? Keep(Adapter? adapter) => adapter is null ? null : _model.CreateSequence(adapter);

    void CheckTokens(string text, ReadOnlySpan<int> ids, int? imageToken = null)
    {
        foreach (var id in ids)
            if ((uint)id >= (uint)_model.Config.VocabularySize && id != imageToken)
                throw new CriaException($"{text} holds token {id}, outside the model's vocabulary of {_model.Config.VocabularySize}");
    }
}
