using System.Diagnostics;
using System.Text;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Cria.Server.Http;

/// <summary>What is known of a request when it has ended: who, what, how long, how many tokens; nothing of what anybody says unless that is wanted.</summary>
sealed partial class RequestLog(bool keepsTexts)
{
    /// <summary>The header that names a request as the log does; OpenAI's clients show it with their errors.</summary>
    public const string IdHeader = "x-request-id";

    static readonly object Key = new();

    readonly long _started = Stopwatch.GetTimestamp();
    TimeSpan? _first;
    string? _model;
    Usage? _usage;
    string? _body;
    string[]? _answers;

    /// <summary>The key's name, or the address where there are no keys.</summary>
    public required string Caller { get; set; }

    /// <summary>That of a request.</summary>
    public static RequestLog Of(HttpContext context) => (RequestLog)context.Items[Key]!;

    public static RequestLog Begin(HttpContext context, string caller, bool keepsTexts)
    {
        var log = new RequestLog(keepsTexts) { Caller = caller };
        context.Items[Key] = log;
        context.Response.Headers[IdHeader] = context.TraceIdentifier;
        return log;
    }

    /// <summary>The first piece of an answer has come, or a further one.</summary>
    public void Hear() => _first ??= Stopwatch.GetElapsedTime(_started);

    /// <summary>What is asked.</summary>
    public void Ask(ReadOnlySpan<byte> body) => _body = keepsTexts ? Encoding.UTF8.GetString(body) : null;

    /// <summary>What was read and written.</summary>
    public void Add(string model, Usage usage, IEnumerable<string> answers) => (_model, _usage, _answers) = (model, usage, keepsTexts ? [.. answers] : null);

    /// <summary>The end.</summary>
    public void Write(Api api, HttpContext context)
    {
        var taken = Stopwatch.GetElapsedTime(_started);
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "other"; // paths that anybody makes up are not counted apart
        api.Telemetry.Requested(route, context.Response.StatusCode, taken);
        var (id, method, path, status, milliseconds) = (context.TraceIdentifier, context.Request.Method, context.Request.Path.Value, context.Response.StatusCode, (long)taken.TotalMilliseconds);
        if (_usage is null)
            LogRequest(api.Logger, id, method, path, status, milliseconds, Caller);
        else
        {
            api.Telemetry.Generated(_model!, _usage, _first);
            LogAnswer(api.Logger, id, method, path, status, milliseconds, Caller, _model!, _usage.PromptTokens, _usage.PromptTokensDetails.CachedTokens, _usage.CompletionTokens);
        }
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is { } span)
        {
            span.DisplayName = $"{method} {route}";
            span.SetTag("http.request.method", method).SetTag("http.route", route).SetTag("http.response.status_code", status);
            span.SetStatus(status >= StatusCodes.Status500InternalServerError ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
        }
        if (_body is not null)
            LogTexts(api.Logger, id, _body, _answers ?? []);
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{RequestId} {Method} {Path} {Status} in {Milliseconds} ms for {Caller}")]
    static partial void LogRequest(ILogger logger, string requestId, string method, string? path, int status, long milliseconds, string caller);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "{RequestId} {Method} {Path} {Status} in {Milliseconds} ms for {Caller}: {Model} read {PromptTokens} tokens, {CachedTokens} of them cached, and wrote {CompletionTokens}")]
    static partial void LogAnswer(ILogger logger, string requestId, string method, string? path, int status, long milliseconds, string caller, string model, long promptTokens, long cachedTokens, long completionTokens);

    [LoggerMessage(EventId = 3, Level = LogLevel.Information, Message = "{RequestId} was asked {Request} and answered {Answers}")]
    static partial void LogTexts(ILogger logger, string requestId, string request, string[] answers);
}
