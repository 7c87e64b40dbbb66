using System.Runtime.CompilerServices;
using Cria.Models;
using Cria.Tokenization;

namespace Cria.Generation;

/// <summary>
/// Continues prompts with a model, scores continuations and embeds texts, any number at once. A text depends on its prompt, its options and its seed only, a
/// score and an embedding on their texts: not on what else runs. Thread-safe. While it lives, nobody else may use the model; it does not dispose the model.
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

    /// <summary>Texts of one call that are embedded or scored at once: enough short ones to fill a step, and not so many that conversations wait long for their share.</summary>
    internal int TextsAtOnce => Math.Min(8, _options.MaxConversations);

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
        CheckImages(prompt.Span, options.Images);
        CheckTokens("the prompt", prompt.Span, _model.Config.ImageTokenId);
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
        await Parallel.ForAsync(0, texts.Count, new ParallelOptions { MaxDegreeOfParallelism = TextsAtOnce, CancellationToken = cancellation }, async (i, cancellation) =>
        {
            var request = new EmbeddingRequest(texts[i], adapter);
            embeddings[i] = await RunAsync(request, request.Result, cancellation).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return embeddings;
    }

    /// <summary>
    /// Scores continuations: of each the log probability of every token behind its context and the tokens before it, the model's raw logits
    /// being what counts. The same numbers come alone and in any company, to the bit. A context that several share is read once, if
    /// <see cref="GeneratorOptions.PrefixBytes"/> has room for it, and an image once. The texts share the steps of the conversations that run.
    /// </summary>
    /// <param name="texts">The continuations with their contexts. A text as a whole, for its perplexity, is the continuation of a BOS.</param>
    /// <param name="adapter">With which they are read; null for that of <see cref="ModelOptions.Adapter"/>, if any.</param>
    /// <param name="topLogProbs">Give this many of the most probable tokens in the place of each, 0 to 1000.</param>
    /// <param name="cancellation">Heard between steps, and within one that serves nobody else.</param>
    /// <returns>The likelihoods in the order of the texts.</returns>
    /// <exception cref="CriaException">A text is wrong or does not fit the context or the memory, too many requests wait, or the model failed.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed, before or meanwhile.</exception>
    public async Task<Likelihood[]> ScoreAsync(IReadOnlyList<ScoringText> texts, Adapter? adapter = null, int topLogProbs = 0, CancellationToken cancellation = default)
    {
        new GenerationOptions { TopLogProbs = topLogProbs }.Validate();
        for (var i = 0; i < texts.Count; i++)
            Check($"text {i}", texts[i]);
        using var keepsAdapter = Keep(adapter);
        using var places = new SemaphoreSlim(TextsAtOnce);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = TextsAtOnce, CancellationToken = cancellation };
        var scores = new Likelihood[texts.Count];
        await Parallel.ForEachAsync(Enumerable.Range(0, texts.Count).GroupBy(i => texts[i], ScoringText.SameContext), parallel, async (alike, cancellation) =>
        {
            await ScoreAsync(alike.First(), cancellation).ConfigureAwait(false); // and reads the context for the others
            await Parallel.ForEachAsync(alike.Skip(1), parallel, ScoreAsync).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return scores;

        async ValueTask ScoreAsync(int i, CancellationToken cancellation)
        {
            await places.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                var request = new ScoringRequest(texts[i], adapter, topLogProbs, _model.Config.ImageTokenId);
                scores[i] = await RunAsync(request, request.Result, cancellation).ConfigureAwait(false);
            }
            finally
            {
                places.Release();
            }
        }
    }

    /// <summary>
    /// Writes what is kept of the beginning of a text to a file, in whole pages of 64 positions: usually a conversation that has ended, without an adapter of its own. The file is
    /// about as large as this part of <see cref="TextModel.CacheBytes"/>, and is written aside, then renamed. Gives the number of positions.
    /// </summary>
    /// <param name="text">The ids.</param>
    /// <param name="path">The file.</param>
    /// <param name="images">The images of the text in the order of their tokens; it is saved, and they, up to the first of which nothing is kept.</param>
    /// <exception cref="CriaException">The file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed.</exception>
    public async Task<int> SaveAsync(ReadOnlyMemory<int> text, string path, IReadOnlyList<ImageTiles>? images = null)
    {
        Sequence? sequence = null;
        await _scheduler.RunAsync((prefixes, store) =>
        {
            var known = store.Find(images ?? []);
            sequence = prefixes.Begin([.. WithKeys(text.Span, known), 0], images: known);
        }).ConfigureAwait(false);
        using (sequence)
        {
            SequenceFile.Save(_model, sequence!, text.Span, path);
            return sequence!.Length / KvCache.PagePositions * KvCache.PagePositions;
        }
    }

    /// <summary>
    /// Takes in what <see cref="SaveAsync"/> wrote: a prompt that begins like that text goes on after it, and its images are not read again. Gives the number of positions.
    /// </summary>
    /// <exception cref="CriaException">The file cannot be read, is damaged or too long, or is another model's.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed.</exception>
    public async Task<int> LoadAsync(string path)
    {
        var (sequence, ids) = SequenceFile.Load(_model, path, MaxPositions, _options.ImageBytes!.Value);
        var images = sequence.Images.Distinct().ToList();
        using (sequence)
            try
            {
                await _scheduler.RunAsync((prefixes, store) =>
                {
                    store.Keep(images);
                    images = [];
                    prefixes.Keep(sequence, WithKeys(ids, sequence.Images));
                }).ConfigureAwait(false);
            }
            finally
            {
                images.ForEach(image => image.Dispose());
            }
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

    /// <summary>A text with the keys of images in place of their tokens, up to the first that is not there.</summary>
    int[] WithKeys(ReadOnlySpan<int> text, IReadOnlyList<ImageFeatures> images)
    {
        var ids = text.ToArray();
        for (int at = 0, image = 0; at < ids.Length; at++)
            if (ids[at] == _model.Config.ImageTokenId)
            {
                if (image == images.Count)
                    return ids[..at];
                ids[at] = images[image++].Key;
            }
        return ids;
    }

    /// <summary>Has a request served whose result comes as a whole.</summary>
    async Task<T> RunAsync<T>(Request request, Task<T> result, CancellationToken cancellation)
    {
        _scheduler.Add(request);
        try
        {
            return await result.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            _scheduler.Abandon(request);
        }
    }

    /// <summary>What a text has to fit, for an error.</summary>
    string Context => MaxPositions == _model.Config.MaxPositions ? $"the model's context of {MaxPositions}"
        : $"the {MaxPositions} positions for which {_options.CacheBytes} bytes of keys and values have room";

    /// <summary>Keeps an adapter from being unloaded, or says why it cannot be used.</summary>
    Sequence? Keep(Adapter? adapter) => adapter is null ? null : _model.CreateSequence(adapter);

    void Check(string name, ScoringText text)
    {
        if (text.Context.Length == 0)
            throw new CriaException($"{name} has no context; a text as a whole is the continuation of a BOS");
        if (text.Continuation.Length == 0)
            throw new CriaException($"{name} has no continuation");
        var length = text.Context.Length + text.Continuation.Length;
        if (length - 1 > MaxPositions) // the last token is not read
            throw new CriaException($"{name} of {length} tokens does not fit {Context}");
        CheckImages(text.Context, text.Images);
        CheckTokens(name, text.Context, _model.Config.ImageTokenId);
        CheckTokens($"the continuation of {name}", text.Continuation);
    }

    void CheckImages(ReadOnlySpan<int> ids, IReadOnlyList<ImageTiles> images)
    {
        _model.Config.CheckImages(ids, images.Count);
        foreach (var image in images)
            _model.Vision!.Check(image);
        if (images.DistinctBy(image => image.Hash).Sum(_model.BytesOf) is var bytes && bytes > _options.ImageBytes)
            throw new CriaException($"the images take {bytes} bytes of keys and values, and image_bytes is {_options.ImageBytes}");
    }

    void CheckTokens(string text, ReadOnlySpan<int> ids, int? imageToken = null)
    {
        foreach (var id in ids)
            if ((uint)id >= (uint)_model.Config.VocabularySize && id != imageToken)
                throw new CriaException($"{text} holds token {id}, outside the model's vocabulary of {_model.Config.VocabularySize}");
    }
}
