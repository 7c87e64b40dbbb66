using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Cria.Server;
using Cria.Tests.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Cria.Tests.Server;

/// <summary>What the server does beside answering: refusing, limiting, ending.</summary>
public sealed class ServerTests(RunningServer server) : IClassFixture<RunningServer>
{
    const string Chat = "/v1/chat/completions";
    const string Endless = """{"messages":[{"role":"user","content":"Hello"}],"stream":true,"temperature":0,"logit_bias":{"65":100}}"""; // writes the same letter until the context ends

    [Theory]
    [InlineData("""{"messages":[]}""", "messages", "invalid_value")]
    [InlineData("""{}""", "messages", "invalid_value")]
    [InlineData("""{"messages":[{"role":"king","content":"a"}]}""", "messages[0].role", "invalid_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"temperature":"hot"}""", "temperature", "invalid_type")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"top_p":2}""", "top_p", "invalid_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"n":0}""", "n", "invalid_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"stop":[1]}""", "stop", "invalid_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"modalities":["text","audio"]}""", "modalities", "unsupported_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"functions":[]}""", "functions", "unsupported_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"reasoning_effort":"high"}""", "reasoning_effort", "unsupported_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"yaml"}}""", "response_format.type", "unsupported_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"tool_choice":"required"}""", "tool_choice", "invalid_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"top_logprobs":2}""", "top_logprobs", "invalid_value")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"stream_options":{"include_usage":true}}""", "stream_options", "invalid_value")]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""", null, "invalid_json")]
    [InlineData("""{"messages":[""", null, "invalid_json")]
    [InlineData("null", null, "invalid_json")]
    [InlineData("[]", null, "invalid_type")]
    [InlineData("", null, "invalid_json")]
    public async Task AWrongChatRequestIsRefusedWithTheField(string body, string? param, string code) =>
        Assert.Equal((400, param, code), await server.FailAsync(Chat, body));

    [Theory]
    [InlineData(Chat, """{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":SCHEMA}}}""", "response_format.json_schema.schema")]
    [InlineData("/v1/responses", """{"input":"a","text":{"format":{"type":"json_schema","name":"a","schema":SCHEMA}}}""", "text.format.schema")]
    public async Task ASchemaThatCannotBeHonouredIsRefusedWithItsPlace(string path, string body, string param)
    {
        foreach (var (schema, at) in new[] { ("""{"properties":{"n":{"type":"strange"}}}""", "/properties/n/type"), ("""{"type":"integer","minimum":2,"maximum":1}""", "/"), ("[]", "/") })
        {
            var (status, json) = await server.PostAsync(path, body.Replace("SCHEMA", schema));
            Assert.Equal((HttpStatusCode.BadRequest, param), (status, json.GetProperty("error").GetProperty("param").GetString()));
            Assert.StartsWith($"schema {at}: ", json.GetProperty("error").GetProperty("message").GetString());
        }
    }

    [Theory]
    [InlineData("""{}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt":[]}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt":[1.5]}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt":[1000000]}""", "prompt", "invalid_value")]
    [InlineData("""{"prompt":"a","suffix":"b"}""", "suffix", "unsupported_value")]
    [InlineData("""{"prompt":"a","best_of":3}""", "best_of", "unsupported_value")]
    [InlineData("""{"prompt":"a","logprobs":-1}""", "logprobs", "invalid_value")]
    [InlineData("""{"prompt":"a","max_tokens":0}""", "max_tokens", "invalid_value")]
    public async Task AWrongCompletionRequestIsRefusedWithTheField(string body, string param, string code) =>
        Assert.Equal((400, param, code), await server.FailAsync("/v1/completions", body));

    [Theory]
    [InlineData("""{}""", "input", "invalid_value")]
    [InlineData("""{"input":[]}""", "input", "invalid_value")]
    [InlineData("""{"input":["a",[1.5]]}""", "input", "invalid_value")]
    [InlineData("""{"input":{"text":"a"}}""", "input", "invalid_value")]
    [InlineData("""{"input":[1000000]}""", "input", "invalid_value")]
    [InlineData("""{"input":"a","encoding_format":"int8"}""", "encoding_format", "unsupported_value")]
    [InlineData("""{"input":"a","dimensions":2}""", "dimensions", "unsupported_value")]
    public async Task AWrongEmbeddingRequestIsRefusedWithTheField(string body, string param, string code) =>
        Assert.Equal((400, param, code), await server.FailAsync("/v1/embeddings", body));

    [Fact]
    public async Task EmbeddingsCountAsTokensReadAndRespectTheLimits()
    {
        await using var small = await RunningServer.StartAsync(new() { Models = ["pocket"], MaxContext = 2000, MaxQueue = 0, Client = new() { Generator = new() { MaxConversations = 2 } } });
        const string Three = """{"input":[[1,2,3],[1,2],[4]]}""";
        var (status, json) = await small.PostAsync("/v1/embeddings", Three);
        Assert.Equal((HttpStatusCode.OK, 6), (status, json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32()));
        Assert.Equal([0, 1, 2], json.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("index").GetInt32()));
        Assert.Contains("cria_tokens_total{model=\"pocket\",kind=\"prompt\"} 6", await small.Http.GetStringAsync("/metrics"));
        Assert.Equal((400, "input", "context_length_exceeded"), await small.FailAsync("/v1/embeddings", $$"""{"input":[[1],[{{string.Join(',', Enumerable.Repeat(1, 2001))}}]]}"""));

        using var endless = await small.SendAsync(Chat, Endless, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal((429, null, "queue_full"), await small.FailAsync("/v1/embeddings", Three));
        Assert.Equal(HttpStatusCode.OK, (await small.PostAsync("/v1/embeddings", """{"input":"a"}""")).Status);
    }

    [Fact]
    public async Task UnknownFieldsAreIgnoredAndNamed()
    {
        using var response = await server.SendAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1,"colour":"red","a\nb":1}""");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("colour, a?b", response.Headers.GetValues("x-cria-ignored-fields").Single());
    }

    [Fact]
    public async Task CompletionsContinueTextsAndIds()
    {
        var (status, texts) = await server.PostAsync("/v1/completions", """{"prompt":["Once upon a time","Hello"],"n":2,"max_tokens":3,"temperature":0,"echo":true,"seed":1}""");
        Assert.Equal(HttpStatusCode.OK, status);
        string[] written = [.. texts.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("text").GetString()!)];
        Assert.Equal(4, written.Length);
        Assert.StartsWith("Once upon a time", written[0]);
        Assert.Equal(written[2], written[3]);

        var (_, ids) = await server.PostAsync("/v1/completions", """{"prompt":[39,72],"max_tokens":3,"temperature":0,"logprobs":2}""");
        var choice = ids.GetProperty("choices")[0];
        Assert.Equal(2, ids.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(3, choice.GetProperty("logprobs").GetProperty("tokens").GetArrayLength());

        using var stream = await server.SendAsync("/v1/completions", """{"prompt":"Hello","n":2,"max_tokens":3,"temperature":0,"echo":true,"stream":true}""");
        var events = Events(await stream.Content.ReadAsStringAsync());
        foreach (var index in new[] { 0, 1 })
            Assert.Equal(written[2], string.Concat(events.SelectMany(e => e.GetProperty("choices").EnumerateArray()).Where(c => c.GetProperty("index").GetInt32() == index).Select(c => c.GetProperty("text").GetString())));
    }

    [Theory]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"Count what you read"}],"max_tokens":4,"temperature":0}""", "prompt_tokens")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"Count what you read in both"}],"n":2,"max_tokens":4,"temperature":0}""", "prompt_tokens")]
    [InlineData("/v1/completions", """{"prompt":"Count what you read here","max_tokens":4,"temperature":0}""", "prompt_tokens")]
    [InlineData("/v1/responses", """{"input":"Count what you read and keep","max_output_tokens":4,"temperature":0}""", "input_tokens")]
    public async Task UsageSaysWhatWasCachedAndTimingsWhatAnAnswerTook(string path, string body, string tokens)
    {
        var (_, first) = await server.PostAsync(path, body);
        var (_, second) = await server.PostAsync(path, body);
        var usage = second.GetProperty("usage");
        var read = usage.GetProperty(tokens).GetInt32();
        Assert.Equal(read - 1, Cached(usage)); // the last token is read in any case
        Assert.True(Cached(first.GetProperty("usage")) < read - 1);
        var timings = second.GetProperty("timings");
        var answers = second.TryGetProperty("choices", out var choices) ? choices.GetArrayLength() : 1;
        Assert.Equal(read * answers, timings.GetProperty("cache_n").GetInt32() + timings.GetProperty("prompt_n").GetInt32());
        Assert.Equal(4 * answers, timings.GetProperty("predicted_n").GetInt32());
        foreach (var name in new[] { "prompt_ms", "prompt_per_second", "predicted_ms", "predicted_per_second", "queue_ms" })
            Assert.True(timings.GetProperty(name).GetDouble() > 0, name);

        using var stream = await server.SendAsync(path, body.Replace("\"temperature\":0", "\"temperature\":0,\"stream\":true"));
        var events = Events(await stream.Content.ReadAsStringAsync());
        Assert.Equal(answers, events.Count(e => (e.TryGetProperty("response", out var response) ? response : e).TryGetProperty("timings", out _)));

        int Cached(JsonElement usage) => usage.GetProperty($"{tokens}_details").GetProperty("cached_tokens").GetInt32();
    }

    [Fact]
    public async Task SeveralAnswersAreEachWhole()
    {
        const string Body = """{"messages":[{"role":"user","content":"Tell me a story."}],"n":3,"temperature":4,"seed":5,"max_tokens":12,"stream":false}""";
        var (_, whole) = await server.PostAsync(Chat, Body);
        string[] expected = [.. whole.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("message").GetProperty("content").GetString()!)];
        Assert.Equal(3, expected.Distinct().Count());
        using var stream = await server.SendAsync(Chat, Body.Replace("false", "true"));
        var pieces = Events(await stream.Content.ReadAsStringAsync()).SelectMany(e => e.GetProperty("choices").EnumerateArray()).ToLookup(c => c.GetProperty("index").GetInt32());
        Assert.Equal(expected, pieces.OrderBy(p => p.Key).Select(p => string.Concat(p.Select(c => c.GetProperty("delta").TryGetProperty("content", out var text) ? text.GetString() : ""))));
    }

    [Fact]
    public async Task PathsAndMethodsThatAreNotThereAreSaidSo()
    {
        Assert.Equal((404, null, "not_found"), await server.FailAsync("/v2/chat", "{}"));
        Assert.Equal((404, "model", "model_not_found"), await server.FailAsync(Chat, """{"model":"gpt-0","messages":[{"role":"user","content":"a"}]}"""));
        using var deleted = await server.Http.DeleteAsync("/v1/models/pocket");
        Assert.Equal(HttpStatusCode.NotFound, deleted.StatusCode);
    }

    [Fact]
    public async Task ForeignPagesAndNamesAreTurnedAway()
    {
        Assert.Equal(HttpStatusCode.Forbidden, await Get("Origin", "https://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await Get("Origin", "null"));
        Assert.Equal(HttpStatusCode.Forbidden, await Get("Host", "evil.example"));
        Assert.Equal(HttpStatusCode.OK, await Get("Origin", server.Url.GetLeftPart(UriPartial.Authority)));
        Assert.Equal(HttpStatusCode.OK, await Get("Host", "localhost:1"));

        async Task<HttpStatusCode> Get(string header, string value)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
            request.Headers.Add(header, value);
            using var response = await server.Http.SendAsync(request);
            Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task AClientThatLeavesFreesItsPlace()
    {
        await using var small = await RunningServer.StartAsync(new() { Models = ["pocket"], MaxQueue = 0, Client = new() { Generator = new() { MaxConversations = 1 } } });
        using (var response = await small.SendAsync(Chat, Endless, HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            using var refused = await small.SendAsync(Chat, Endless);
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }
        // The place is free as soon as the server has heard of it.
        HttpStatusCode status;
        do
        {
            using var response = await small.SendAsync(Chat, Endless, HttpCompletionOption.ResponseHeadersRead);
            status = response.StatusCode;
        }
        while (status == HttpStatusCode.TooManyRequests);
        Assert.Equal(HttpStatusCode.OK, status);
    }

    [Fact]
    public async Task KeysOpenTheServerAndHaveTheirOwnLimits()
    {
        using var folder = new TestModel();
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes("second")));
        File.WriteAllText(folder.File("keys"), $"# keys\nfirst ann\n\nsha256:{hash} bob\n");
        await using var locked = await RunningServer.StartAsync(new() { Models = ["pocket"], ApiKeyFile = folder.File("keys"), RequestsPerMinute = 2 });

        Assert.Equal(HttpStatusCode.OK, await Get("/health", null));
        Assert.Equal(HttpStatusCode.Unauthorized, await Get("/v1/models", null));
        Assert.Equal(HttpStatusCode.Unauthorized, await Get("/v1/models", "third"));
        Assert.Equal(HttpStatusCode.Unauthorized, await Get("/v1/models", hash));
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests], [await Get("/v1/models", "first"), await Get("/v1/models", "first"), await Get("/v1/models", "first")]);
        Assert.Equal(HttpStatusCode.OK, await Get("/v1/models", "second"));

        async Task<HttpStatusCode> Get(string path, string? key)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
            using var response = await locked.Http.SendAsync(request);
            Assert.Equal(response.StatusCode == HttpStatusCode.TooManyRequests ? 30 : null, response.Headers.RetryAfter?.Delta?.TotalSeconds); // two a minute
            return response.StatusCode;
        }
    }

    [Theory]
    [InlineData("", "there is no key")]
    [InlineData("sha256:12 ann", "line 1 is not a SHA-256 hash")]
    public void AKeyFileThatHoldsNoKeyIsRefused(string text, string expected)
    {
        using var folder = new TestModel();
        File.WriteAllText(folder.File("keys"), text);
        Assert.Contains(expected, Assert.Throws<CriaException>(() => new ApiKeys(folder.File("keys"))).Message);
    }

    [Fact]
    public async Task AllowedOriginsGetTheirHeaders()
    {
        await using var open = await RunningServer.StartAsync(new() { Models = ["pocket"], CorsOrigins = ["https://friend.example"] });
        using var request = new HttpRequestMessage(HttpMethod.Options, Chat);
        request.Headers.Add("Origin", "https://friend.example");
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");
        using var response = await open.Http.SendAsync(request);
        Assert.Equal("https://friend.example", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
    }

    [Fact]
    public async Task LargeBodiesAreRefused()
    {
        await using var small = await RunningServer.StartAsync(new() { Models = ["pocket"], MaxBodyBytes = 1000 });
        Assert.Equal((413, null, "request_too_large"), await small.FailAsync(Chat, new string(' ', 2000)));
        using var chunked = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(new string(' ', 2000)) };
        chunked.Headers.TransferEncodingChunked = true; // how long it is shows when it is read
        using var refused = await small.Http.SendAsync(chunked);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
    }

    [Fact]
    public async Task LongWaitsEnd()
    {
        await using var hasty = await RunningServer.StartAsync(new() { Models = ["pocket"], Timeout = TimeSpan.FromMilliseconds(300) });
        await Task.WhenAll(Enumerable.Range(0, 24).Select(async _ =>
        {
            using var stream = await hasty.SendAsync(Chat, Endless); // whatever it is doing when its time is over
            Assert.Contains("\"code\":\"timeout\"", (await stream.Content.ReadAsStringAsync()).TrimEnd().Split('\n')[^1]);
        }));
        Assert.Equal((504, null, "timeout"), await hasty.FailAsync(Chat, Endless.Replace("\"stream\":true", "\"stream\":false")));
    }

    [Fact]
    public async Task AStreamShowsLifeWhileItWaits()
    {
        await using var busy = await RunningServer.StartAsync(new() { Models = ["pocket"], Heartbeat = TimeSpan.FromMilliseconds(20), Client = new() { Generator = new() { MaxConversations = 1 } } });
        using var first = await busy.SendAsync(Chat, Endless, HttpCompletionOption.ResponseHeadersRead);
        foreach (var (path, body, life) in new[]
        {
            (Chat, Endless, ":"),
            ("/v1/completions", """{"prompt":"Hello","stream":true}""", ":"),
            ("/v1/responses", """{"input":"Hello","stream":true}""", ":"),
            ("/v1/messages", """{"messages":[{"role":"user","content":"Hello"}],"max_tokens":1,"stream":true}""", "event: ping"),
        })
        {
            using var second = await busy.SendAsync(path, body, HttpCompletionOption.ResponseHeadersRead); // waits for the first
            using var reader = new StreamReader(await second.Content.ReadAsStreamAsync());
            string? line;
            do
                line = await reader.ReadLineAsync();
            while (line is not null && !line.StartsWith(life, StringComparison.Ordinal));
            Assert.NotNull(line);
        }
    }

    [Fact]
    public async Task AStoppingServerSaysSoUntilWhatRunsIsFinished()
    {
        await using var ending = await CriaServer.StartAsync(new() { Models = ["pocket"], Port = 0, Log = LogFormat.Off });
        using var http = new HttpClient { BaseAddress = new(ending.Url) };
        var running = await http.SendAsync(new(HttpMethod.Post, Chat) { Content = new StringContent(Endless) }, HttpCompletionOption.ResponseHeadersRead);
        var ended = ending.WaitAsync(new CancellationToken(canceled: true));
        using (var ready = await http.GetAsync("/health/ready"))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        using (var late = await http.PostAsync(Chat, new StringContent(Endless)))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, late.StatusCode);
            Assert.NotNull(late.Headers.RetryAfter);
        }
        Assert.False(ended.IsCompleted);
        running.Dispose();
        await ended;
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("/health"));
    }

    [Fact]
    public async Task TheCommandServesUntilItIsTerminatedAndFinishesWhatRuns()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no SIGTERM");
        using var process = CommandLine.Start("serve", "--port", "0", "--log", "json");
        using var http = new HttpClient { BaseAddress = await UrlAsync(process) };
        Assert.Equal(("http", "127.0.0.1"), (http.BaseAddress.Scheme, http.BaseAddress.Host));
        using var content = new StringContent("{\"max_tokens\":1000," + Endless[1..]);
        using var response = await http.SendAsync(new(HttpMethod.Post, Chat) { Content = content }, HttpCompletionOption.ResponseHeadersRead);
        await TerminateAsync(process);
        Assert.EndsWith("data: [DONE]", (await response.Content.ReadAsStringAsync()).TrimEnd());
        var log = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        Assert.DoesNotContain("Hello", log);
        var line = JsonElement.Parse(log.Split('\n').First(l => l.Contains("completions"))).GetProperty("State");
        Assert.Equal("POST", line.GetProperty("Method").GetString());
        Assert.Equal(200, line.GetProperty("Status").GetInt32());
        Assert.Equal(response.Headers.GetValues("x-request-id").Single(), line.GetProperty("RequestId").GetString());
    }

    [Fact]
    public async Task TheCommandServesOverTlsAsKestrelIsConfigured()
    {
        using var folder = new TestModel();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(folder.File("cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(folder.File("key.pem"), key.ExportPkcs8PrivateKeyPem());
        using var process = CommandLine.Start(new Dictionary<string, string>
        {
            ["Kestrel__Endpoints__Https__Url"] = "https://127.0.0.1:0",
            ["Kestrel__Endpoints__Https__Certificate__Path"] = folder.File("cert.pem"),
            ["Kestrel__Endpoints__Https__Certificate__KeyPath"] = folder.File("key.pem"),
        }, "serve", "--log", "off");
        try
        {
            using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown!.Thumbprint == certificate.Thumbprint };
            using var http = new HttpClient(handler) { BaseAddress = await UrlAsync(process) };
            Assert.Equal("https", http.BaseAddress.Scheme);
            Assert.Contains("pocket", await http.GetStringAsync("/v1/models"));
            await Assert.ThrowsAsync<HttpRequestException>(() => new HttpClient().GetAsync(new Uri($"http://{http.BaseAddress.Authority}/health")));
        }
        finally
        {
            process.Kill();
        }
    }

    [Fact]
    public async Task TracesGoToTheCollectorWithoutTextsAndTheLogHasThemIfAsked()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no SIGTERM");
        var sent = new ConcurrentBag<(string Path, string Body)>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var collector = builder.Build();
        collector.Urls.Add("http://127.0.0.1:0");
        collector.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.Latin1);
            sent.Add((context.Request.Path, await reader.ReadToEndAsync()));
        });
        await collector.StartAsync();
        using var process = CommandLine.Start(new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Urls.Single(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        }, "serve", "--port", "0", "--log-texts");
        using var http = new HttpClient { BaseAddress = await UrlAsync(process) };
        using (var answer = await http.PostAsync(Chat, new StringContent("""{"messages":[{"role":"user","content":"Say zebra"}],"max_tokens":2}""")))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await TerminateAsync(process);
        var log = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        var traces = string.Concat(sent.Where(s => s.Path == "/v1/traces").Select(s => s.Body));
        Assert.Contains("POST /v1/chat/completions", traces);
        Assert.Contains("chat pocket", traces);
        Assert.Contains("gen_ai.usage.output_tokens", traces);
        Assert.DoesNotContain("zebra", string.Concat(sent.Select(s => s.Body)));
        Assert.Contains("cria_requests_total", string.Concat(sent.Where(s => s.Path == "/v1/metrics").Select(s => s.Body)));
        Assert.Contains("Say zebra", log);
    }

    /// <summary>Where a process listens that has just been started.</summary>
    static async Task<Uri> UrlAsync(Process process)
    {
        const string Listening = "listening on ";
        var line = await process.StandardOutput.ReadLineAsync();
        Assert.StartsWith(Listening, line);
        return new(line![Listening.Length..]);
    }

    static async Task TerminateAsync(Process process)
    {
        using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    static List<JsonElement> Events(string stream) => [.. stream.Split('\n').Where(l => l.StartsWith("data: {", StringComparison.Ordinal)).Select(l => JsonElement.Parse(l["data: ".Length..]))];
}
