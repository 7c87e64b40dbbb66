using System.Globalization;
using Cria.Server.Endpoints;
using Cria.Server.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Resources;

namespace Cria.Server;

/// <summary>
/// Models over HTTP: OpenAI's API and a web chat. TLS and more addresses come from Kestrel's own configuration (`Kestrel__Endpoints__...`).
/// SIGTERM and Ctrl-C end it: no new request is taken, running ones are finished.
/// </summary>
public sealed class CriaServer : IAsyncDisposable
{
    readonly WebApplication _application;
    readonly ModelPool _models;
    readonly Gate _gate;
    readonly Telemetry _telemetry;
    readonly TimeSpan _drain;

    CriaServer(WebApplication application, ModelPool models, Gate gate, Telemetry telemetry, TimeSpan drain) =>
        (_application, _models, _gate, _telemetry, _drain) = (application, models, gate, telemetry, drain);

    /// <summary>Where it listens.</summary>
    public string Url => _application.Urls.First();

    internal ModelPool Models => _models;

    /// <summary>Loads the first model and listens.</summary>
    /// <exception cref="CriaException">An option is wrong, the model cannot be loaded, or the address is not to be had.</exception>
    public static async Task<CriaServer> StartAsync(ServerOptions options, CancellationToken cancellation = default)
    {
        var keys = options.ApiKeyFile is { } file ? new ApiKeys(file) : null;
        if (options.RequestsPerMinute < 1)
            throw new CriaException($"requests_per_minute is {options.RequestsPerMinute}; it must be 1 or more");
        var telemetry = new Telemetry();
        var models = new ModelPool(options, telemetry);
        WebApplication? application = null;
        try
        {
            (await models.AcquireAsync(null, 0, cancellation)).Dispose();
            application = Build(options);
            var api = new Api
            {
                Options = options,
                Models = models,
                Telemetry = telemetry,
                Images = new(options.RemoteImages),
                Logger = application.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Cria.Server"),
                Stopping = application.Lifetime.ApplicationStopping,
            };
            var gate = new Gate(api, keys);
            application.Use(next => context => gate.InvokeAsync(context, next));
            if (options.CorsOrigins.Count > 0)
                application.UseCors(policy => policy.WithOrigins([.. options.CorsOrigins]).AllowAnyHeader().AllowAnyMethod().WithExposedHeaders(RequestLog.IdHeader, RequestBody.IgnoredFields, RequestBody.UnguardedTools, "Retry-After"));
            application.UseRouting();
            Map(application, api);
            await application.StartAsync(cancellation);
            return new(application, models, gate, telemetry, options.Drain);
        }
        catch (Exception e)
        {
            if (application is not null)
                await application.DisposeAsync();
            await models.DisposeAsync();
            telemetry.Dispose();
            if (e is IOException or System.Net.Sockets.SocketException)
                throw new CriaException($"{options.Host}:{options.Port}: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Returns when the server has been told to stop and what ran is finished.</summary>
    public async Task WaitAsync(CancellationToken cancellation = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_application.Lifetime.ApplicationStopping, cancellation);
        await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await StopAsync();
    }

    /// <summary>Stops as SIGTERM does, and lets go of the models.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _application.DisposeAsync();
        _gate.Dispose();
        await _models.DisposeAsync();
        _telemetry.Dispose();
    }

    /// <summary>Listens until what runs is finished, so that whoever asks hears that the server is stopping; what takes too long is cut off.</summary>
    async Task StopAsync()
    {
        _application.Lifetime.StopApplication();
        using var time = new CancellationTokenSource(_drain);
        await _gate.DrainAsync(time.Token);
        await _application.StopAsync(time.Token);
    }

    static void Map(IEndpointRouteBuilder routes, Api api)
    {
        foreach (var route in Routes.All)
            routes.MapMethods(route.Path, route.Method == "GET" ? ["GET", "HEAD"] : [route.Method], context => route.HandleAsync(context, api));
        foreach (var path in ChatPage.Files.Keys)
            routes.MapMethods(path, ["GET", "HEAD"], context => ChatPage.ShowAsync(context, api));
        routes.MapFallback(context => throw new ApiException(404, $"there is no {context.Request.Method} {OneLine.Cut(context.Request.Path.Value ?? "")}", "not_found"));
    }

    static WebApplication Build(ServerOptions options)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.UseUrls(Address(options));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Drain);
        builder.Services.AddRoutingCore();
        if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 })
            builder.Services.AddOpenTelemetry().UseOtlpExporter()
                .ConfigureResource(resource => resource.AddService("cria").AddEnvironmentVariableDetector()) // OTEL_SERVICE_NAME has the last word
                .WithTracing(traces => traces.AddSource("Microsoft.AspNetCore", Telemetry.Source)).WithMetrics(metrics => metrics.AddMeter(Telemetry.Source));
        if (options.CorsOrigins.Count > 0)
            builder.Services.AddCors();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddFilter("Cria", LogLevel.Information);
        if (options.Log != LogFormat.Off)
            builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        if (options.Log == LogFormat.Json)
            builder.Logging.AddJsonConsole(json => json.UseUtcTimestamp = true);
        else if (options.Log == LogFormat.Text)
            builder.Logging.AddSimpleConsole(text => (text.SingleLine, text.TimestampFormat, text.ColorBehavior) = (true, "HH:mm:ss ", LoggerColorBehavior.Disabled));
        return builder.Build();
    }

    static string Address(ServerOptions options)
    {
        var host = options.Host.Contains(':') && options.Host[0] != '[' ? $"[{options.Host}]" : options.Host;
        // A free port can be had for an address only, not for a name that may have two.
        return string.Create(CultureInfo.InvariantCulture, $"http://{(host == "localhost" && options.Port == 0 ? "127.0.0.1" : host)}:{options.Port}");
    }
}
