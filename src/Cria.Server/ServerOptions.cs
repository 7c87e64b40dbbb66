using Cria.Chat;

namespace Cria.Server;

/// <summary>How log lines are written, on standard error.</summary>
public enum LogFormat
{
    /// <summary>One line of text each.</summary>
    Text,

    /// <summary>One JSON object each.</summary>
    Json,

    /// <summary>Not at all.</summary>
    Off,
}

/// <summary>What a <see cref="CriaServer"/> serves, to whom, and how much of it.</summary>
public sealed record ServerOptions
{
    /// <summary>Names of `cria models` or paths. The first is the default and loaded at the start, the others when they are asked for.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>
    /// LoRA adapters by the names that requests call them, each with its directory and the name of the model it is for, the default if null.
    /// </summary>
    public IReadOnlyDictionary<string, (string Path, string? Model)> Adapters { get; init; } = new Dictionary<string, (string, string?)>();

    /// <summary>A model that nobody has used for so long is let go; null = never.</summary>
    public TimeSpan? UnloadAfter { get; init; }

    /// <summary>Tokens that a prompt and its answer may have together; null = as many as the model can.</summary>
    public int? MaxContext { get; init; }

    /// <summary>How models are run.</summary>
    public CriaChatClientOptions Client { get; init; } = new();

    /// <summary>The address or name to listen on. Others than this machine reach the server only if this says so.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The port; 0 = a free one.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>A file of API keys (<see cref="ApiKeys"/>); null = nobody needs one.</summary>
    public string? ApiKeyFile { get; init; }

    /// <summary>Requests a minute for each key, or for each address where there are no keys; null = any number.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Answers that may wait for a model beside those it writes (<see cref="Generation.GeneratorOptions.MaxConversations"/>); more are refused with status 429.</summary>
    public int MaxQueue { get; init; } = 128;

    /// <summary>
    /// Whether images are fetched from addresses that requests give, of the public Internet only (<see cref="Http.RemoteImages"/>); else
    /// they must stand in the request itself, as data URLs.
    /// </summary>
    public bool RemoteImages { get; init; }

    /// <summary>Bytes of a request's body.</summary>
    public long MaxBodyBytes { get; init; } = 32 << 20;

    /// <summary>How long a request may take, waiting included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long running requests may go on after the order to stop.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A stream on which nothing happens for so long gets a sign of life.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Origins (`https://example.org`) whose pages may use the server; none by default, `*` is all.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>How log lines are written.</summary>
    public LogFormat Log { get; init; }

    /// <summary>Whether the log also has what is asked and answered.</summary>
    public bool LogTexts { get; init; }
}
