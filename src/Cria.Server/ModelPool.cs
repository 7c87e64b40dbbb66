using Cria.Chat;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Server;

/// <summary>
/// The models of a server by name. One is loaded when it is first asked for; a lease keeps it, and says how many answers it is for, so that the
/// queue has an end. Thread-safe.
/// </summary>
sealed class ModelPool(ServerOptions options) : IAsyncDisposable
{
    readonly Lock _gate = new();
    readonly List<Entry> _entries = Entries(options.Models);

    /// <summary>The names, the default first.</summary>
    public IEnumerable<string> Names => _entries.Select(e => e.Name);

    /// <summary>A model and leave for so many answers; give it back with Dispose.</summary>
    /// <param name="name">Null for the default.</param>
    /// <param name="answers">Answers to be written.</param>
    /// <param name="cancellation">Ends the wait, not the loading.</param>
    /// <exception cref="ApiException">There is no such model, or too many answers wait for it.</exception>
    /// <exception cref="CriaException">It cannot be loaded.</exception>
    public async Task<ModelLease> AcquireAsync(string? name, int answers, CancellationToken cancellation)
    {
        var entry = Find(name);
        Task<CriaChatClient> loading;
        lock (_gate)
        {
            var most = (long)options.Client.Generator.MaxConversations + options.MaxQueue;
            if (entry.Answers + answers > most)
                throw new ApiException(429, $"{entry.Answers} answers of {entry.Name} are being written or wait, and no more than {most} may", "queue_full") { RetryAfter = 1 };
            entry.Answers += answers;
            if (entry.Client is null or { IsFaulted: true })
                entry.Client = Task.Run(() => Load(entry), CancellationToken.None);
            loading = entry.Client;
        }
        try
        {
            return new ModelLease(entry.Name, await loading.WaitAsync(cancellation), () => Release(entry, answers));
        }
        catch
        {
            Release(entry, answers);
            throw;
        }
    }

    /// <summary>What of a model is known without loading it: the time its files were made, in seconds since 1970, and whether it is loaded.</summary>
    /// <exception cref="ApiException">There is no such model.</exception>
    public (string Name, long Created, CriaChatClient? Client) Describe(string name)
    {
        var entry = Find(name);
        lock (_gate)
            return (entry.Name, entry.Created, entry.Client is { IsCompletedSuccessfully: true } client ? client.Result : null);
    }

    /// <summary>Answers that are being written or wait, by model.</summary>
    public IReadOnlyList<(string Model, int Answers)> Load()
    {
        lock (_gate)
            return [.. _entries.Select(e => (e.Name, e.Answers))];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var entry in _entries)
            if (entry.Client is { } client)
                (await client.ContinueWith(c => c.IsCompletedSuccessfully ? c.Result : null, TaskScheduler.Default))?.Dispose();
    }

    void Release(Entry entry, int answers)
    {
        lock (_gate)
            entry.Answers -= answers;
    }

    Entry Find(string? name) => name is null ? _entries[0] : _entries.Find(e => e.Name == name)
        ?? throw new ApiException(404, $"the model {OneLine.Quote(name)} does not exist; there is {string.Join(", ", Names)}", "model_not_found", "model");

    CriaChatClient Load(Entry entry) => CriaChatClient.Load(entry.Source, options.Client with
    {
        Generator = options.Client.Generator with { MaxQueue = options.MaxQueue },
    });

    static List<Entry> Entries(IReadOnlyList<string> models)
    {
        var entries = new List<Entry>();
        foreach (var model in models)
        {
            var path = ModelLocator.Resolve(model);
            var name = path == model || Directory.Exists(model) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model))) : model;
            if (entries.Exists(e => e.Name == name))
                throw new CriaException($"two models are called {OneLine.Cut(name)}");
            entries.Add(new(name, path, new DateTimeOffset(Path.Exists(path) ? File.GetLastWriteTimeUtc(path) : default).ToUnixTimeSeconds()));
        }
        return entries.Count > 0 ? entries : throw new CriaException("there is no model to serve");
    }

    sealed class Entry(string name, string source, long created)
    {
        public string Name => name;

        public string Source => source;

        public long Created => created;

        public Task<CriaChatClient>? Client { get; set; }

        public int Answers { get; set; }
    }
}

/// <summary>A loaded model in use.</summary>
sealed class ModelLease(string name, CriaChatClient client, Action release) : IDisposable
{
    public string Name => name;

    public CriaChatClient Client => client;

    public Tokenizer Tokenizer { get; } = client.GetService<Tokenizer>()!;

    public void Dispose() => release();
}
