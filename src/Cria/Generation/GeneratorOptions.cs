using Cria.Models;

namespace Cria.Generation;

/// <summary>How much a <see cref="Generator"/> takes on.</summary>
public sealed record GeneratorOptions
{
    /// <summary>Conversations that share each step, 1 to 1024; further ones wait in the order of their arrival.</summary>
    public int MaxConversations { get; init; } = 64;

    /// <summary>Conversations that may wait, 0 or more; one more is refused.</summary>
    public int MaxQueue { get; init; } = 1024;

    /// <summary>
    /// Bytes for keys and values, cached prefixes included; null = three quarters of the memory that this process may use. A request
    /// that does not fit on its own is refused; where several do not fit together, the youngest wait.
    /// </summary>
    public long? CacheBytes { get; init; }

    /// <summary>
    /// Of these, bytes for the beginnings of conversations that have ended; 0 = off, null = a tenth of the memory that this process may use.
    /// Of what does not fit the least recently used goes first.
    /// </summary>
    public long? PrefixBytes { get; init; }

    /// <summary>
    /// Bytes for the keys and values of images, apart from <see cref="CacheBytes"/>; null = a tenth of the memory that this process may use. What was read of an
    /// image is kept for whoever asks about it next, and of what does not fit the least recently used goes first; a request whose images do not fit is refused.
    /// </summary>
    public long? ImageBytes { get; init; }

    /// <summary>A smaller model with the same vocabulary, for <see cref="Speculation.Draft"/>; as the model it is the generator's alone, and not disposed.</summary>
    public TextModel? Draft { get; init; }

    /// <summary>These with what was left open filled in.</summary>
    /// <exception cref="CriaException">A value is outside its range.</exception>
    internal GeneratorOptions Complete(TextModel model)
    {
        if (MaxConversations is < 1 or > 1024)
            throw new CriaException($"max_conversations is {MaxConversations}; it must be between 1 and 1024");
        if (MaxQueue < 0)
            throw new CriaException($"max_queue is {MaxQueue}; it must be 0 or more");
        if (CacheBytes < 0 || PrefixBytes < 0 || ImageBytes < 0)
            throw new CriaException($"the bytes of the cache are {new[] { CacheBytes, PrefixBytes, ImageBytes }.Min()}; they must be 0 or more");
        if (Draft is not null && Draft.Config.VocabularySize != model.Config.VocabularySize)
            throw new CriaException($"the draft model has {Draft.Config.VocabularySize} tokens and the model {model.Config.VocabularySize}; they must have one vocabulary");
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return this with { CacheBytes = CacheBytes ?? memory / 4 * 3, PrefixBytes = PrefixBytes ?? memory / 10, ImageBytes = ImageBytes ?? memory / 10 };
    }
}
