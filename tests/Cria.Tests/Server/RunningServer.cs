using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Text;
using System.Text.Json;
using Cria.Server;
using OpenAI;
using OpenAI.Chat;

namespace Cria.Tests.Server;

/// <summary>A server of pocket on a free port, for the tests of a class.</summary>
public sealed class RunningServer : IAsyncLifetime
{
    readonly ServerOptions _options;
    CriaServer? _server;

    public RunningServer() : this(new() { Models = ["pocket"] })
    {
    }

    RunningServer(ServerOptions options) => _options = options with { Port = 0, Log = LogFormat.Off };

    public Uri Url => new(_server!.Url);

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromMinutes(2) };

    /// <summary>One of other options; Dispose stops it.</summary>
    public static async Task<RunningServer> StartAsync(ServerOptions options)
    {
        var server = new RunningServer(options);
        await server.InitializeAsync();
        return server;
    }

    public async ValueTask InitializeAsync()
    {
        _server = await CriaServer.StartAsync(_options);
        Http.BaseAddress = Url;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_server is not null)
            await _server.DisposeAsync();
    }

    /// <summary>The official OpenAI client.</summary>
    public OpenAIClient OpenAI(string key = "none") => new(new ApiKeyCredential(key), new() { Endpoint = new(Url, "/v1"), NetworkTimeout = TimeSpan.FromMinutes(2), RetryPolicy = new ClientRetryPolicy(maxRetries: 0) });

    public ChatClient Chat(string model = "pocket") => OpenAI().GetChatClient(model);

    /// <summary>Posts a body; gives status and JSON of the answer.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Json)> PostAsync(string path, string body)
    {
        using var response = await SendAsync(path, body);
        return (response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync()));
    }

    public Task<HttpResponseMessage> SendAsync(string path, string body, HttpCompletionOption until = HttpCompletionOption.ResponseContentRead, CancellationToken cancellation = default) =>
        Http.SendAsync(new(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") }, until, cancellation);

    /// <summary>Posts a wrong body; gives status, field and code of the error.</summary>
    public async Task<(int Status, string? Param, string? Code)> FailAsync(string path, string body)
    {
        var (status, json) = await PostAsync(path, body);
        var error = json.GetProperty("error");
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        return ((int)status, error.GetProperty("param").GetString(), error.GetProperty("code").GetString());
    }
}
