using System.Globalization;
using System.Net;
using System.Threading.RateLimiting;
using Cria.Server.Endpoints;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cria.Server.Http;

/// <summary>
/// What every request passes: who may come in and how often, the time it may take, and whatever goes wrong becomes an error of its API's shape.
/// </summary>
sealed partial class Gate(Api api, ApiKeys? keys) : IDisposable
{
    static readonly HashSet<string> Open = [.. ChatPage.Files.Keys, "/health", "/health/ready"];

    readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(caller => api.Options.RequestsPerMinute is { } limit
        ? RateLimitPartition.GetTokenBucketLimiter(caller, _ => new()
        {
            TokenLimit = limit,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) / limit,
        })
        : RateLimitPartition.GetNoLimiter(""));

    readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _running;

    /// <summary>Returns when no request runs, once the server is to stop, or when the time is over.</summary>
    public async Task DrainAsync(CancellationToken time)
    {
        if (Volatile.Read(ref _running) > 0)
            await _idle.Task.WaitAsync(time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        Interlocked.Increment(ref _running);
        try
        {
            await LetInAsync(context, next);
        }
        finally
        {
            if (Interlocked.Decrement(ref _running) == 0 && api.Stopping.IsCancellationRequested)
                _idle.TrySetResult();
        }
    }

    public void Dispose() => _limiter.Dispose();

    async Task LetInAsync(HttpContext context, RequestDelegate next)
    {
        var aborted = context.RequestAborted;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        timeout.CancelAfter(api.Options.Timeout);
        context.RequestAborted = timeout.Token;
        var log = RequestLog.Begin(context, Address(context), api.Options.LogTexts);
        try
        {
            CheckHost(context);
            if (!Open.Contains(context.Request.Path.Value ?? ""))
                log.Caller = Admit(context);
            await next(context);
        }
        catch (Exception e)
        {
            context.RequestAborted = aborted;
            if (aborted.IsCancellationRequested)
                context.Abort();
            else
                await FailAsync(context, timeout.IsCancellationRequested ? new ApiException(StatusCodes.Status504GatewayTimeout, $"the request took longer than {api.Options.Timeout.TotalSeconds:0} seconds", "timeout") : Shown(context, e));
        }
        log.Write(api, context);
    }

    /// <summary>An error that has no one to hear it is not worth another.</summary>
    static async Task FailAsync(HttpContext context, ApiException error)
    {
        try
        {
            await Replies.WriteAsync(context, error);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            context.Abort();
        }
    }

    /// <summary>What a client is told. Before an answer begins the engine complains about the request; later, something has failed.</summary>
    ApiException Shown(HttpContext context, Exception e)
    {
        switch (e)
        {
            case ApiException error:
                return error;
            case CriaException error when !context.Response.HasStarted:
                return ApiException.From(error);
            case BadHttpRequestException error:
                return new(error.StatusCode, error.Message.TrimEnd('.'), error.StatusCode == StatusCodes.Status413PayloadTooLarge ? "request_too_large" : "bad_request");
            case ObjectDisposedException when api.Stopping.IsCancellationRequested:
                return new(StatusCodes.Status503ServiceUnavailable, "the server is stopping", "stopping");
            default:
                LogFailure(api.Logger, e, context.TraceIdentifier, context.Request.Path.Value);
                return new(StatusCodes.Status500InternalServerError, "the server failed; its log says more", "internal_error");
        }
    }

    /// <summary>
    /// A page that a browser shows may not use the server unless it is the server's own or of an origin that is allowed: neither by a plain request,
    /// nor by a name of its own that leads to this machine (DNS rebinding).
    /// </summary>
    void CheckHost(HttpContext context)
    {
        var host = context.Request.Host;
        if (context.Connection.LocalIpAddress is { } local && IPAddress.IsLoopback(local) && !IsLoopback(host.Host.Trim('[', ']')))
            throw new ApiException(403, $"the host {OneLine.Quote(host.Host)} is not this machine", "host_not_allowed");
        if (context.Request.Headers.Origin is [{ } origin] && !api.Options.CorsOrigins.Contains("*") && !api.Options.CorsOrigins.Contains(origin)
            && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority == host.Value))
            throw new ApiException(403, $"pages of {OneLine.Quote(origin)} may not use this server", "origin_not_allowed");
    }

    /// <summary>Whoever has no key is turned away, and whoever comes too often asked to wait.</summary>
    string Admit(HttpContext context)
    {
        if (api.Stopping.IsCancellationRequested)
            throw new ApiException(StatusCodes.Status503ServiceUnavailable, "the server is stopping", "stopping") { RetryAfter = 1 };
        var caller = keys is null ? Address(context) : keys.Find(Presented(context))
            ?? throw new ApiException(401, "no valid API key was given; send it as `Authorization: Bearer KEY`", "invalid_api_key");
        using var lease = _limiter.AttemptAcquire(caller);
        if (!lease.IsAcquired)
            throw new ApiException(429, string.Create(CultureInfo.InvariantCulture, $"more than {api.Options.RequestsPerMinute} requests a minute"), "rate_limit_exceeded")
            {
                RetryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)) : 1,
            };
        return caller;
    }

    static string Presented(HttpContext context)
    {
        const string Bearer = "Bearer ";
        var authorization = context.Request.Headers.Authorization.ToString();
        return authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim() : context.Request.Headers["x-api-key"].ToString();
    }

    static string Address(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "local";

    static bool IsLoopback(string host) => host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address);

    [LoggerMessage(EventId = 4, Level = LogLevel.Error, Message = "{RequestId} {Path} failed")]
    static partial void LogFailure(ILogger logger, Exception e, string requestId, string? path);
}
