using System.Diagnostics;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Cria.Server.Http;

/// <summary>What is known of a request when it has ended: who, what, how long, how many tokens; nothing of what anybody says.</summary>
sealed partial class RequestLog
{
    static readonly object Key = new();

    readonly long _started = Stopwatch.GetTimestamp();
    TimeSpan? _first;
    string? _model;
    Usage? _usage;

    /// <summary>The key's name, or the address where there are no keys.</summary>
    public required string Caller { get; set; }

    /// <summary>That of a request.</summary>
    public static RequestLog Of(HttpContext context) => (RequestLog)context.Items[Key]!;

    public static RequestLog Begin(HttpContext context, string caller)
    {
        var log = new RequestLog { Caller = caller };
        context.Items[Key] = log;
        return log;
    }

    /// <summary>The first piece of an answer has come, or a further one.</summary>
    public void Hear() => _first ??= Stopwatch.GetElapsedTime(_started);

    /// <summary>What was read and written.</summary>
    public void Add(string model, Usage usage) => (_model, _usage) = (model, usage);

    /// <summary>The end.</summary>
    public void Write(Api api, HttpContext context)
    {
        var taken = Stopwatch.GetElapsedTime(_started);
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "other"; // paths that anybody makes up are not counted apart
        api.Telemetry.Requested(route, context.Response.StatusCode, taken);
        if (_usage is not null)
            api.Telemetry.Generated(_model!, _usage, _first);
        Log(api.Logger, context.Request.Method, context.Request.Path.Value, context.Response.StatusCode, Caller, _model, _usage?.PromptTokens, _usage?.PromptTokensDetails.CachedTokens, _usage?.CompletionTokens, (long)taken.TotalMilliseconds);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Method} {Path} {Status} {Caller} {Model} {PromptTokens} {CachedTokens} {CompletionTokens} {Milliseconds} ms")]
    static partial void Log(ILogger logger, string method, string? path, int status, string caller, string? model, long? promptTokens, long? cachedTokens, long? completionTokens, long milliseconds);
}
