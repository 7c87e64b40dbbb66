using System.Runtime.CompilerServices;
using Cria.Chat.ToolCalls;
using Cria.Formats;
using Cria.Generation;
using Cria.Models;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// A local Llama 3.2 model as an <see cref="IChatClient"/>. It keeps nothing between requests: each one holds the whole dialogue.
/// Thread-safe: any number of requests run at once over one set of weights, and none changes another's text. A request that is
/// cancelled, or whose stream is left, frees its memory.
/// </summary>
/// <remarks>
/// <see cref="ChatOptions"/>: what is unset comes from the model's generation_config.json. Functions among the tools are offered as the model's
/// prompt style does; those named like Meta's built-in tools (<see cref="ChatFormat.BuiltinTools"/>) without their definition. While tools are on offer a
/// reply is held to well-formed calls of these, with arguments that satisfy their schemas, or to text. `AdditionalProperties`
/// may hold min_p, repetition_penalty, logit_bias (id to number), logprobs (true or the number of alternatives), top_logprobs, adapter (an
/// <see cref="Adapter"/> that this client's <see cref="TextModel"/> loaded), continue_final_message and guard_tools; log probabilities come back as a list of
/// <see cref="GeneratedToken"/> under `logprobs`, what an answer took as <see cref="GenerationTimings"/> under `timings`. What cannot be honoured (a conversation id, reasoning, a tool that is no function) is a
/// <see cref="CriaException"/>. `ModelId` and other additional properties are ignored: there is one model.
/// </remarks>
public sealed class CriaChatClient : IChatClient
{
    /// <summary>The key of the list of <see cref="GeneratedToken"/> in a response's and an update's AdditionalProperties.</summary>
    public const string LogProbs = "logprobs";

    /// <summary>The key of the <see cref="GenerationTimings"/> in a response's and its last update's AdditionalProperties.</summary>
    public const string Timings = "timings";

    /// <summary>
    /// The key in <see cref="ChatOptions.AdditionalProperties"/> of an <see cref="IProgress{T}"/> of double that is told which part of the dialogue's images is
    /// read (<see cref="GenerationOptions.ImageProgress"/>).
    /// </summary>
    public const string ImageProgress = "image_progress";

    /// <summary>The key of the number of messages that were left out, in a response's and its first update's AdditionalProperties.</summary>
    public const string DroppedMessages = "dropped_messages";

    /// <summary>
    /// The key in <see cref="ChatOptions.AdditionalProperties"/> that says whether the last message, an assistant's text, is gone on with; the answer is what
    /// follows. Unset it is; false has a new message written.
    /// </summary>
    public const string ContinueFinalMessage = "continue_final_message";

    /// <summary>
    /// The key in <see cref="ChatOptions.AdditionalProperties"/> that, if false, leaves calls of tools unguarded: nothing keeps them well formed and to
    /// their schemas. Only where <see cref="ChatOptions.ToolMode"/> requires none.
    /// </summary>
    public const string GuardTools = "guard_tools";

    /// <summary>
    /// The key in a response's and its first update's AdditionalProperties of the tools whose schemas cannot be honoured, and why, as an
    /// IReadOnlyDictionary of texts: calls of these have the arguments' names only for certain.
    /// </summary>
    public const string UnguardedTools = "unguarded_tools";

    /// <summary>Tokens that are kept free for an answer without a limit when turns are left out, if the context is large enough.</summary>
    const int AnswerRoom = 1024;

    readonly TextModel _model;
    readonly TextModel? _draft;
    readonly Tokenizer _tokenizer;
    readonly Generator _generator;
    readonly ChatFormatOptions _format;
    readonly Speculation _speculation;
    readonly bool _dropOldest;
    readonly ChatClientMetadata _metadata;
    readonly ReplyGuards _guards = new();

    CriaChatClient(TextModel model, Tokenizer tokenizer, ChatFormatOptions format, string name, CriaChatClientOptions options)
    {
        (_model, _tokenizer, _format, _speculation, _dropOldest) = (model, tokenizer, format, options.Speculation, options.DropOldest);
        try
        {
            _draft = options.Draft is null ? null : TextModel.Load(options.Draft, options.Model with { Adapter = null });
            _generator = new Generator(model, tokenizer, options.Generator with { Draft = _draft ?? options.Generator.Draft });
        }
        catch
        {
            _draft?.Dispose();
            model.Dispose();
            throw;
        }
        _metadata = new ChatClientMetadata("cria", providerUri: null, name);
    }

    /// <summary>Opens a model: a directory or GGUF file of Llama 3.2, a name that `cria models` lists, or "pocket", the one that ships with Cria.</summary>
    /// <exception cref="CriaException">There is no such model, its files are not valid, or its chat template is not known.</exception>
    public static CriaChatClient Load(string nameOrPath, CriaChatClientOptions? options = null)
    {
        options ??= new();
        var path = ModelLocator.Resolve(nameOrPath);
        var tokenizer = ModelTokenizer.Load(path);
        var own = options.Style is { } style ? new ChatFormatOptions { Style = style } : ChatFormat.OfModel(path, tokenizer);
        var format = own with { ToolFormat = options.ToolFormat, Date = options.Date };
        var name = path == nameOrPath ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))) : nameOrPath;
        return new(TextModel.Load(path, options.Model), tokenizer, format, name, options);
    }

    /// <inheritdoc/>
    /// <exception cref="CriaException">The dialogue or an option is wrong, they do not fit the model's context, or the model failed.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
            updates.Add(update);
        var response = updates.ToChatResponse();
        var tokens = updates.SelectMany(u => u.AdditionalProperties?.GetValueOrDefault(LogProbs) as IEnumerable<GeneratedToken> ?? []).ToList();
        if (tokens.Count > 0)
            (response.AdditionalProperties ??= [])[LogProbs] = tokens;
        foreach (var key in new[] { DroppedMessages, UnguardedTools })
            if (updates[0].AdditionalProperties?.GetValueOrDefault(key) is { } value)
                (response.AdditionalProperties ??= [])[key] = value;
        (response.AdditionalProperties ??= [])[Timings] = updates[^1].AdditionalProperties![Timings];
        foreach (var message in response.Messages)
            foreach (var key in new[] { LogProbs, DroppedMessages, UnguardedTools, Timings })
                message.AdditionalProperties?.Remove(key); // merged from the updates: those of the last one only
        return response;
    }

    /// <inheritdoc/>
    /// <exception cref="CriaException">The dialogue or an option is wrong, they do not fit the model's context, or the model failed.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var generation = ChatOptionsReader.Generation(options, _model.Defaults) with { Speculation = _speculation };
        var tools = ChatOptionsReader.Tools(options);
        var dialogue = DialogueOf(messages, options);
        var continues = ChatOptionsReader.ContinuesFinalMessage(dialogue, options);
        var format = Offer(tools, FormatOf(dialogue));
        var guard = Guard(format, options);
        var prefill = continues ? dialogue[^1].Text : "";
        generation = generation with { Constraint = guard?.Constraint ?? generation.Constraint, ConstraintPrefix = prefill };
        var prompt = Encode(dialogue);
        var dropped = _dropOldest ? DropOldest(ref prompt) : 0;
        if (_model.Config.Vision is { } vision)
        {
            var kept = prompt.Count(id => id == _model.Config.ImageTokenId); // turns that were left out had the first
            generation = generation with { Images = await ChatImages.ReadAsync([.. ChatImages.Of(dialogue).TakeLast(kept)], vision, cancellationToken).ConfigureAwait(false) };
        }
        var reply = new ReplyReader([.. tools.Select(t => t.Name)], options?.AllowMultipleToolCalls != false, [.. (format.Tools ?? []).Select(t => t.Name)], guard, prefill);
        var pythonTag = _tokenizer.SpecialId("<|python_tag|>");
        var (id, created, count) = (Guid.NewGuid().ToString("n"), DateTimeOffset.UtcNow, 0);
        var unguarded = guard?.Unguarded;
        var unsent = new List<GeneratedToken>();

        await foreach (var token in _generator.GenerateAsync(prompt, generation, cancellationToken).ConfigureAwait(false))
        {
            count++;
            unsent.Add(token);
            var contents = reply.Push(token.Text, isLast: token.Finish is not null, isPythonTag: token.Id == pythonTag);
            if (contents.Count == 0 && token.Finish is null)
                continue;
            var update = new ChatResponseUpdate(ChatRole.Assistant, contents) { ResponseId = id, MessageId = id, CreatedAt = created, ModelId = _metadata.DefaultModelId };
            if (dropped > 0)
                (update.AdditionalProperties ??= [])[DroppedMessages] = dropped;
            if (unguarded?.Count > 0)
                (update.AdditionalProperties ??= [])[UnguardedTools] = unguarded;
            (dropped, unguarded) = (0, null);
            if (generation.TopLogProbs is not null)
                (update.AdditionalProperties ??= [])[LogProbs] = unsent.ToList();
            unsent.Clear();
            if (token.Finish is { } finish)
            {
                update.FinishReason = reply.HasCalls ? ChatFinishReason.ToolCalls : finish == FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
                update.Contents.Add(new UsageContent(new() { InputTokenCount = prompt.Length, CachedInputTokenCount = token.Timings!.CachedTokens, OutputTokenCount = count, TotalTokenCount = prompt.Length + count }));
                (update.AdditionalProperties ??= [])[Timings] = token.Timings;
                // Calls end a message, not the turn, where there are built-in tools. A guard ends them without the token that says so.
                if (token.Id == _tokenizer.SpecialId("<|eom_id|>") || reply.HasCalls && format.BuiltinTools is not null && !_generator.StopIds.Contains(token.Id))
                    (update.AdditionalProperties ??= [])[ChatFormat.StopReason] = "end_of_message";
            }
            yield return update;
        }

        int[] Encode(IReadOnlyList<ChatMessage> messages) => Render(messages, format, continues).Encode(_tokenizer);

        int DropOldest(ref int[] prompt)
        {
            var most = _generator.MaxPositions;
            var excess = prompt.Length + (generation.MaxTokens ?? Math.Min(AnswerRoom, most / 4)) - most;
            if (excess <= 0)
                return 0;
            var step = Math.Max(1, most / 4);
            var (kept, shorter) = DialogueTurns.Shorten(dialogue, Encode, prompt.Length - (excess + step - 1) / step * step);
            prompt = shorter;
            return dialogue.Count - kept;
        }
    }

    /// <summary>The prompt that a dialogue is answered from.</summary>
    /// <exception cref="CriaException">The dialogue or an option is wrong.</exception>
    public Prompt Render(IEnumerable<ChatMessage> messages, ChatOptions? options = null)
    {
        var dialogue = DialogueOf(messages, options);
        return Render(dialogue, Offer(ChatOptionsReader.Tools(options), FormatOf(dialogue)), ChatOptionsReader.ContinuesFinalMessage(dialogue, options));
    }

    /// <summary>The tools whose schemas cannot be honoured, as a response would say.</summary>
    /// <exception cref="CriaException">The dialogue or an option is wrong, or a call that is required cannot be guarded.</exception>
    internal IReadOnlyDictionary<string, string>? UnguardedToolsOf(IEnumerable<ChatMessage> messages, ChatOptions? options) =>
        Guard(Offer(ChatOptionsReader.Tools(options), FormatOf(DialogueOf(messages, options))), options)?.Unguarded;

    /// <summary>The tokens of the prompt that a dialogue is answered from.</summary>
    /// <exception cref="CriaException">The dialogue or an option is wrong.</exception>
    public int CountTokens(IEnumerable<ChatMessage> messages, ChatOptions? options = null) => Render(messages, options).Encode(_tokenizer).Length;

    /// <summary>
    /// Scores continuations of a text: the log probability of each behind one BOS, the images and the context, with the tokens of context and continuation as one
    /// text (<see cref="ScoringText.Of"/>). What they share is read once. Without a context that is the likelihood of whole texts.
    /// </summary>
    /// <param name="context">What stands before each; may be empty. Text that spells a control token stays text.</param>
    /// <param name="continuations">What is scored.</param>
    /// <param name="images">The images of the context: where it says <see cref="Prompt.Image"/>, else before it.</param>
    /// <param name="adapter">With which they are read; null for that of <see cref="ModelOptions.Adapter"/>, if any.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The likelihoods in the order of the continuations.</returns>
    /// <exception cref="CriaException">A continuation is empty or does not fit the model's context, an image cannot be read, or the model failed.</exception>
    public Task<IReadOnlyList<Likelihood>> ScoreAsync(string context, IReadOnlyList<string> continuations, IReadOnlyList<DataContent>? images = null, Adapter? adapter = null, CancellationToken cancellationToken = default) =>
        ScoreAsync(Prompt.OfText(context, images?.Count ?? 0, marks: images?.Count > 0), continuations, images ?? [], adapter, cancellationToken);

    /// <summary>
    /// Scores answers to a dialogue: the log probability of each as the beginning of the next message. Where the dialogue ends with words of the assistant, the answers go on
    /// with them, with the tokens of both as one text.
    /// </summary>
    /// <param name="messages">The dialogue.</param>
    /// <param name="answers">What is scored.</param>
    /// <param name="options">Instructions, tools and the adapter count; how tokens are chosen does not.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The likelihoods in the order of the answers.</returns>
    /// <exception cref="CriaException">The dialogue or an option is wrong, an answer is empty or does not fit the model's context, or the model failed.</exception>
    public Task<IReadOnlyList<Likelihood>> ScoreAsync(IEnumerable<ChatMessage> messages, IReadOnlyList<string> answers, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var dialogue = DialogueOf(messages, options);
        return ScoreAsync(Render(messages, options), answers, [.. ChatImages.Of(dialogue)], ChatOptionsReader.Adapter(options?.AdditionalProperties), cancellationToken);
    }

    async Task<IReadOnlyList<Likelihood>> ScoreAsync(Prompt context, IReadOnlyList<string> continuations, IReadOnlyList<DataContent> images, Adapter? adapter, CancellationToken cancellation)
    {
        if (images.Count > 0 && _model.Config.Vision is null)
            throw new CriaException("the model takes no images");
        var tiles = await TilesAsync(images, cancellation).ConfigureAwait(false);
        ScoringText[] texts = [.. continuations.Select(c => context.Continue(_tokenizer, c) with { Images = tiles })];
        return await _generator.ScoreAsync(texts, adapter, cancellation: cancellation).ConfigureAwait(false);
    }

    async Task<ImageTiles[]> TilesAsync(IReadOnlyList<DataContent> images, CancellationToken cancellation) =>
        images.Count == 0 ? [] : await ChatImages.ReadAsync(images, _model.Config.Vision!, cancellation).ConfigureAwait(false);

    List<ChatMessage> DialogueOf(IEnumerable<ChatMessage> messages, ChatOptions? options) => ChatOptionsReader.Dialogue(messages, options, _model.Config.Vision is not null);

    /// <summary>The templates of Llama know one call in a message, and no system message beside an image; Meta's style, the same elsewhere, has both.</summary>
    ChatFormatOptions FormatOf(IReadOnlyList<ChatMessage> dialogue) => ChatImages.Of(dialogue).Any() ? _format with { Style = ChatStyle.Meta, Template = null }
        : _format.Style != ChatStyle.Meta && dialogue.Any(m => m.Contents.OfType<FunctionCallContent>().Skip(1).Any()) ? _format with { Style = ChatStyle.Meta } : _format;

    static ChatFormatOptions Offer(IReadOnlyList<AIFunctionDeclaration> tools, ChatFormatOptions format)
    {
        if (tools.Count > 0)
            format = format with { Template = format.ToolTemplate ?? format.Template };
        var builtin = format.Style == ChatStyle.HuggingFace32 || format.Template is not null ? [] : tools.Where(t => ChatFormat.BuiltinTools.Contains(t.Name)).ToList();
        var custom = tools.Except(builtin).ToList();
        return format with { Tools = custom.Count > 0 ? custom : null, BuiltinTools = builtin.Count > 0 ? builtin.ConvertAll(t => t.Name) : null };
    }

    /// <summary>What holds the reply to well-formed calls; null if there are no tools, or it is not to be held.</summary>
    ReplyGuard? Guard(ChatFormatOptions format, ChatOptions? options) => ChatOptionsReader.Guard(options, new()
    {
        Tools = format.Tools ?? [],
        BuiltinTools = format.BuiltinTools ?? [],
        Format = format.Template is not null ? null : format.Style == ChatStyle.Meta ? format.ToolFormat : ToolFormat.Json,
        HasPythonTag = _tokenizer.SpecialId("<|python_tag|>") is not null,
    }) is { } request ? _guards.Of(request) : null;

    Prompt Render(IReadOnlyList<ChatMessage> dialogue, ChatFormatOptions format, bool continues)
    {
        var prompt = ChatFormat.Render(dialogue, format with { AddGenerationPrompt = !continues });
        if (!continues)
            return prompt;
        return new Prompt([.. prompt.Parts.Reverse().SkipWhile(p => p.IsControl || string.IsNullOrWhiteSpace(p.Text)).Reverse()]); // without its end
    }

    /// <summary>
    /// Writes what the model has read of a dialogue, of its images too, to a file, so that <see cref="LoadStateAsync"/> of a later process can go on without reading it again.
    /// </summary>
    /// <exception cref="CriaException">The file cannot be written.</exception>
    public async Task SaveStateAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, string path)
    {
        var dialogue = messages.ToList();
        var text = Render(dialogue, options).Encode(_tokenizer);
        var tiles = await TilesAsync([.. ChatImages.Of(dialogue)], CancellationToken.None).ConfigureAwait(false);
        await _generator.SaveAsync(text, path, tiles).ConfigureAwait(false);
    }

    /// <summary>Takes in what <see cref="SaveStateAsync"/> wrote.</summary>
    /// <exception cref="CriaException">The file cannot be read, is damaged or too long, or is another model's.</exception>
    public Task LoadStateAsync(string path) => _generator.LoadAsync(path);

    /// <summary>Gives <see cref="ChatClientMetadata"/>, <see cref="Generator"/>, <see cref="Tokenizer"/>, <see cref="TextModel"/>, <see cref="ModelConfig"/> or this client.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : new object[] { this, _metadata, _generator, _tokenizer, _model, _model.Config }.FirstOrDefault(serviceType.IsInstanceOfType);
    }

    /// <summary>Ends all running requests with an <see cref="ObjectDisposedException"/> and lets go of the model.</summary>
    public void Dispose()
    {
        _generator.Dispose();
        _draft?.Dispose();
        _model.Dispose();
    }
}
