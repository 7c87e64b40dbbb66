using Cria.Chat;
using Cria.Formats;
using Cria.Generation;
using Cria.Models;
using Cria.Server.Http;
using Cria.Tokenization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Cria.Server;

/// <summary>
/// The models of a server by name, and adapters beside them that go by names of their own. A model is loaded when it is first asked for and let go
/// when nobody has used it for a time, or on request; a lease keeps it, and says how many answers it is for, so that the queue has an end. Thread-safe.
/// </summary>
sealed class ModelPool : IAsyncDisposable
{
    static readonly TimeSpan LongestNap = TimeSpan.FromSeconds(15);

    readonly Lock _gate = new();
    readonly ServerOptions _options;
    readonly Telemetry _telemetry;
    readonly List<Entry> _models = [];
    readonly List<(string Name, Entry Model, string Path, long Created)> _adapters = [];
    readonly Timer? _timer;

    /// <exception cref="CriaException">There is no such model or adapter, or two have one name.</exception>
    public ModelPool(ServerOptions options, Telemetry telemetry)
    {
        (_options, _telemetry) = (options, telemetry);
        foreach (var model in options.Models)
        {
            var path = ModelLocator.Resolve(model);
            var name = path == model || Directory.Exists(model) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model))) : model;
            CheckNew(name);
            _models.Add(new(name, path, Created(path)));
        }
        if (_models.Count == 0)
            throw new CriaException("there is no model to serve");
        foreach (var (name, adapter) in options.Adapters)
        {
            CheckNew(name);
            var path = ModelLocator.Resolve(adapter.Path);
            _adapters.Add((name, adapter.Model is null ? _models[0] : _models.Find(m => m.Name == adapter.Model)
                ?? throw new CriaException($"the adapter {OneLine.Cut(name)} is for {OneLine.Cut(adapter.Model)}, which is not served"), path, Created(path)));
        }
        telemetry.Observe("cria_answers", "answers that are being written or wait", () => Loaded().Select(m => (m.Name, (double)m.Answers)));
        telemetry.Observe("cria_cache_bytes", "keys and values in memory", () => Loaded().Select(m => (m.Name, (double)(m.Client?.GetService<TextModel>()?.CacheBytes ?? 0))));
        if (options.UnloadAfter is { } idle)
            _timer = new(_ => UnloadIdle(idle), null, Nap(idle), Nap(idle));
    }

    /// <summary>The names, the default first.</summary>
    public IEnumerable<string> Names => _models.Select(m => m.Name).Concat(_adapters.Select(a => a.Name));

    /// <summary>A model and leave for so many answers; give it back with Dispose.</summary>
    /// <param name="name">Null for the default.</param>
    /// <param name="answers">Answers to be written.</param>
    /// <param name="cancellation">Ends the wait, not the loading.</param>
    /// <exception cref="ApiException">There is no such model, or too many answers wait for it.</exception>
    /// <exception cref="CriaException">It cannot be loaded.</exception>
    public async Task<ModelLease> AcquireAsync(string? name, int answers, CancellationToken cancellation)
    {
        var (entry, adapter) = Find(name);
        Task<LoadedModel> loading;
        lock (_gate)
        {
            var most = (long)_options.Client.Generator.MaxConversations + _options.MaxQueue;
            if (entry.Answers + answers > most)
                throw new ApiException(429, $"{entry.Answers} answers of {entry.Name} are being written or wait, and no more than {most} may", "queue_full") { RetryAfter = 1 };
            entry.Answers += answers;
            entry.Users++;
            if (entry.Loading is null or { IsFaulted: true })
                entry.Loading = Task.Run(() => new LoadedModel(CriaChatClient.Load(entry.Path, _options.Client with { Generator = _options.Client.Generator with { MaxQueue = _options.MaxQueue } }), _telemetry), CancellationToken.None);
            loading = entry.Loading;
        }
        try
        {
            var loaded = await loading.WaitAsync(cancellation);
            return new(name ?? entry.Name, loaded, adapter is null ? null : await loaded.AdapterAsync(adapter).WaitAsync(cancellation), _options.MaxContext, () => Release(entry, answers));
        }
        catch
        {
            Release(entry, answers);
            throw;
        }
    }

    /// <summary>What of a model is known without loading it: the time its files were made, in seconds since 1970, itself if it is loaded, and whether it takes images.</summary>
    /// <exception cref="ApiException">There is no such model.</exception>
    public (string Name, long Created, IChatClient? Client, bool TakesImages) Describe(string name)
    {
        var (entry, _) = Find(name);
        lock (_gate)
            return (name, _adapters.Find(a => a.Name == name) is { Name: not null } adapter ? adapter.Created : entry.Created, entry.Client, entry.TakesImages);
    }

    /// <summary>Lets go of a model's memory.</summary>
    /// <exception cref="ApiException">There is no such model, or it is in use.</exception>
    public void Unload(string name)
    {
        var (entry, _) = Find(name);
        if (!TryUnload(entry, TimeSpan.Zero))
            throw new ApiException(409, $"{entry.Name} is in use", "in_use", "model");
    }

    public async ValueTask DisposeAsync()
    {
        if (_timer is not null)
            await _timer.DisposeAsync();
        foreach (var model in _models)
            if (model.Loading is { } loading)
                (await loading.ContinueWith(c => c.IsCompletedSuccessfully ? c.Result : null, TaskScheduler.Default))?.Dispose();
    }

    /// <summary>Lets go of the models that nobody has used for a time.</summary>
    void UnloadIdle(TimeSpan idle)
    {
        foreach (var model in _models)
            TryUnload(model, idle);
    }

    bool TryUnload(Entry entry, TimeSpan idle)
    {
        LoadedModel? loaded;
        lock (_gate)
        {
            if (entry.Users > 0)
                return false;
            if (entry.Loading is not { IsCompletedSuccessfully: true } loading || TimeProvider.System.GetElapsedTime(entry.Used) < idle)
                return true;
            loaded = loading.Result;
            entry.Loading = null;
        }
        loaded.Dispose();
        return true;
    }

    void Release(Entry entry, int answers)
    {
        lock (_gate)
        {
            entry.Answers -= answers;
            entry.Users--;
            entry.Used = TimeProvider.System.GetTimestamp();
        }
    }

    (Entry Model, string? Adapter) Find(string? name)
    {
        if (name is null)
            return (_models[0], null);
        if (_models.Find(e => e.Name == name) is { } model)
            return (model, null);
        return _adapters.Find(a => a.Name == name) is { Name: not null } adapter ? (adapter.Model, adapter.Path)
            : throw new ApiException(404, $"the model {OneLine.Quote(name)} does not exist; there is {string.Join(", ", Names)}", "model_not_found", "model");
    }

    List<(string Name, int Answers, IChatClient? Client)> Loaded()
    {
        lock (_gate)
            return _models.ConvertAll(m => (m.Name, m.Answers, m.Client));
    }

    void CheckNew(string name)
    {
        if (Names.Contains(name))
            throw new CriaException($"two models are called {OneLine.Cut(name)}");
    }

    static long Created(string path) => new DateTimeOffset(File.GetLastWriteTimeUtc(path)).ToUnixTimeSeconds();

    static TimeSpan Nap(TimeSpan idle) => idle / 4 < LongestNap ? idle / 4 : LongestNap;

    sealed class Entry(string name, string path, long created)
    {
        readonly Lazy<bool> _takesImages = new(() =>
        {
            try
            {
                return VisionConfig.Of(path) is not null;
            }
            catch (CriaException)
            {
                return false;
            }
        });

        public string Name => name;

        public string Path => path;

        public long Created => created;

        public Task<LoadedModel>? Loading { get; set; }

        public IChatClient? Client => Loading is { IsCompletedSuccessfully: true } loading ? loading.Result.Client : null;

        /// <summary>Of a model that cannot be opened false; whoever asks for its answer hears why.</summary>
        public bool TakesImages => _takesImages.Value;

        public int Answers { get; set; }

        public int Users { get; set; }

        public long Used { get; set; }
    }
}

/// <summary>A model in memory with the adapters that were asked for.</summary>
sealed class LoadedModel(CriaChatClient client, Telemetry telemetry) : IDisposable
{
    readonly Lock _gate = new();
    readonly Dictionary<string, Task<Adapter>> _adapters = [];

    /// <summary>The model, whose answers are traced.</summary>
    public IChatClient Client { get; } = telemetry.Trace(client);

    public Task<Adapter> AdapterAsync(string path)
    {
        lock (_gate)
        {
            if (!_adapters.TryGetValue(path, out var loading) || loading.IsFaulted)
                _adapters[path] = loading = Task.Run(() => client.GetService<TextModel>()!.LoadAdapter(path));
            return loading;
        }
    }

    public void Dispose()
    {
        Client.Dispose();
        foreach (var adapter in _adapters.Values.Where(a => a.IsCompletedSuccessfully))
            adapter.Result.Dispose();
    }
}

/// <summary>A model in use.</summary>
sealed class ModelLease(string name, LoadedModel model, Adapter? adapter, int? maxContext, Action release) : IDisposable
{
    public string Name => name;

    public IChatClient Client => model.Client;

    public Adapter? Adapter => adapter;

    public Tokenizer Tokenizer { get; } = model.Client.GetService<Tokenizer>()!;

    public Generator Generator { get; } = model.Client.GetService<Generator>()!;

    /// <summary>Tokens that a prompt and its answer may have.</summary>
    public int Context => Math.Min(maxContext ?? int.MaxValue, Generator.MaxPositions);

    /// <summary>Readies the options of a request, and says in a header which tools' schemas are not honoured; gives the number of tokens of its prompt.</summary>
    /// <exception cref="ApiException">Prompt and answer do not fit.</exception>
    /// <exception cref="CriaException">The dialogue or an option is wrong.</exception>
    public int Prepare(HttpContext context, IReadOnlyList<ChatMessage> dialogue, ChatOptions options)
    {
        var client = Client.GetService<CriaChatClient>()!;
        var prompt = client.Render(dialogue, options).Encode(Tokenizer).Length;
        if (client.UnguardedToolsOf(dialogue, options) is { Count: > 0 } unguarded)
            context.Response.Headers[RequestBody.UnguardedTools] = RequestBody.Names(unguarded.Keys);
        if (adapter is not null)
            (options.AdditionalProperties ??= [])["adapter"] = adapter;
        options.MaxOutputTokens = Room(prompt, options.MaxOutputTokens);
        return prompt;
    }

    /// <summary>The tokens that an answer may have.</summary>
    /// <exception cref="ApiException">Prompt and answer do not fit.</exception>
    public int Room(int prompt, int? wanted) => prompt + Math.Max(1L, wanted ?? 1) <= Context ? wanted ?? Context - prompt
        : throw new ApiException(400, $"a prompt of {prompt} tokens and {wanted ?? 1} more do not fit the context of {Context}", "context_length_exceeded", "messages");

    public void Dispose() => release();
}
