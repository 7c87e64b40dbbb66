using Cria.Generation;
using Cria.Models;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>
/// Texts as vectors: the mean over all tokens of a local model's last hidden states, after the final norm, scaled to length 1. Each text begins with one BOS,
/// which counts in the mean as any other token does; text that spells a control token stays text. The same text has the same bits alone
/// and in any batch. Thread-safe; texts share the steps of the conversations that the model writes meanwhile.
/// </summary>
/// <remarks>
/// <see cref="EmbeddingGenerationOptions"/>: Dimensions may only be the model's hidden size; `AdditionalProperties` may hold adapter (an
/// <see cref="Adapter"/> of this model). `ModelId` and other additional properties are ignored: there is one model.
/// </remarks>
public sealed class CriaEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    readonly CriaChatClient _client;
    readonly bool _owns;
    readonly Generator _generator;
    readonly Tokenizer _tokenizer;
    readonly EmbeddingGeneratorMetadata _metadata;

    /// <summary>Embeds with the weights of a chat client, which stays whose it is.</summary>
    public CriaEmbeddingGenerator(CriaChatClient client) : this(client, owns: false)
    {
    }

    CriaEmbeddingGenerator(CriaChatClient client, bool owns)
    {
        (_client, _owns, _generator, _tokenizer) = (client, owns, client.GetService<Generator>()!, client.GetService<Tokenizer>()!);
        var model = client.GetService<TextModel>()!;
        _metadata = new("cria", providerUri: null, client.GetService<ChatClientMetadata>()!.DefaultModelId, model.Config.HiddenSize);
    }

    /// <summary>Opens a model of its own, as <see cref="CriaChatClient.Load"/> does; its chat template is not read.</summary>
    /// <exception cref="CriaException">There is no such model, or its files are not valid.</exception>
    public static CriaEmbeddingGenerator Load(string nameOrPath, CriaChatClientOptions? options = null) =>
        new(CriaChatClient.Load(nameOrPath, (options ?? new()) with { Style = ChatStyle.Meta }), owns: true);

    /// <inheritdoc/>
    /// <exception cref="CriaException">A text does not fit the model's context, an option cannot be honoured, or the model failed.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.Dimensions is { } dimensions && dimensions != _metadata.DefaultModelDimensions)
            throw new CriaException($"Dimensions is {dimensions}; the model's embeddings have {_metadata.DefaultModelDimensions}");
        if (options?.RawRepresentationFactory is not null)
            throw new CriaException("RawRepresentationFactory is not supported: there are no other options beneath these");
        var adapter = ChatOptionsReader.Adapter(options?.AdditionalProperties);
        int[][] texts = [.. values.Select((text, i) => (int[])[_tokenizer.BosId, .. _tokenizer.Encode(text ?? throw new CriaException($"text {i} is null"))])];
        var vectors = await _generator.EmbedAsync(texts, adapter, cancellationToken).ConfigureAwait(false);
        var (now, tokens) = (DateTimeOffset.UtcNow, texts.Sum(t => (long)t.Length));
        return new(vectors.Select(v => new Embedding<float>(v) { CreatedAt = now, ModelId = _metadata.DefaultModelId }))
        {
            Usage = new() { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }

    /// <summary>Gives <see cref="EmbeddingGeneratorMetadata"/>, <see cref="CriaChatClient"/> and what it gives, or this generator.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : new object[] { this, _metadata }.FirstOrDefault(serviceType.IsInstanceOfType) ?? _client.GetService(serviceType);
    }

    /// <summary>Lets go of the model if it was opened by <see cref="Load"/>.</summary>
    public void Dispose()
    {
        if (_owns)
            _client.Dispose();
    }
}
