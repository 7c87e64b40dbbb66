using System.Diagnostics;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cria.Server.Http;

/// <summary>What the log says of a request: who, what, how long, how many tokens; nothing of what anybody says.</summary>
sealed partial class RequestLog(string caller)
{
    static readonly object Key = new();

    string? _model;
    Usage? _usage;

    /// <summary>The key's name, or the address where there are no keys.</summary>
    public string Caller => caller;

    /// <summary>That of a request.</summary>
    public static RequestLog Of(HttpContext context) => (RequestLog)context.Items[Key]!;

    public static RequestLog Begin(HttpContext context, string caller)
    {
        var log = new RequestLog(caller);
        context.Items[Key] = log;
        return log;
    }

    /// <summary>What was read and written.</summary>
    public void Add(string model, Usage usage) => (_model, _usage) = (model, usage);

    public void Write(ILogger logger, HttpContext context, long started) => Log(logger, context.Request.Method, context.Request.Path.Value, context.Response.StatusCode, caller,
        _model, _usage?.PromptTokens, _usage?.CompletionTokens, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Method} {Path} {Status} {Caller} {Model} {PromptTokens} {CompletionTokens} {Milliseconds} ms")]
    static partial void Log(ILogger logger, string method, string? path, int status, string caller, string? model, long? promptTokens, long? completionTokens, long milliseconds);
}
