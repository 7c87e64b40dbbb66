using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Cria.Tests.Server;

/// <summary>Whatever is sent to any endpoint of the OpenAPI document, the server answers, and never that it failed.</summary>
public sealed class FuzzTests : IAsyncLifetime
{
    const int Bodies = 150;

    static readonly string[] Texts = ["", "a", "user", "pocket", "text", "function", "\u0000", "ñ😀", "<|eot_id|>", "\ud83d\ude00", new('x', 3000), "{", "null", "auto", "-1", "json_schema"];

    static readonly string[] Broken = ["", " ", "{", "[", "\"", "null", "true", "1e999", "[]", "{}", "{\"model\":", "{\"a\":\"\\ud800\"}", "{\"a\":1}{}", "\u0000", "{\"messages\":" + new string('[', 5000), "{\"n\":1e400}", "{\"n\":99999999999999999999}", "\ufeff{}"];

    RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(new() { Models = ["pocket"], MaxContext = 96, MaxBodyBytes = 1 << 20 });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task NoBodyMakesAnEndpointFail()
    {
        var document = JsonNode.Parse(await _server.Http.GetStringAsync("/openapi.json"))!;
        var random = new Random(20);
        var counts = new Dictionary<int, int>();
        foreach (var (path, item) in document["paths"]!.AsObject())
            foreach (var (method, operation) in item!.AsObject())
            {
                var schema = operation!["requestBody"]?["content"]?["application/json"]?["schema"];
                var bodies = schema is null ? ["", "{}"] : Broken.Concat(Enumerable.Range(0, Bodies).Select(_ => Make(schema, random, 0)?.ToJsonString() ?? "null")).Append(new string(' ', 2 << 20));
                foreach (var body in bodies)
                    await SendAsync(method, path.Replace("{id}", Uri.EscapeDataString(Texts[random.Next(Texts.Length - 6)])), body);
            }
        Assert.True(counts.GetValueOrDefault(200) > 100, string.Join(", ", counts)); // some of it is right
        Assert.True(counts.GetValueOrDefault(400) > 500, string.Join(", ", counts));
        Assert.Contains(413, counts.Keys);

        async Task SendAsync(string method, string path, string body)
        {
            using var request = new HttpRequestMessage(new(method.ToUpperInvariant()), path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            request.Headers.ExpectContinue = body.Length > 1 << 20; // the server need not read what is too long
            using var response = await _server.Http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True((int)response.StatusCode < 500 && !text.Contains("internal_error"), $"{method} {path} {body[..Math.Min(body.Length, 1000)]}: {text}");
            counts[(int)response.StatusCode] = counts.GetValueOrDefault((int)response.StatusCode) + 1;
        }
    }

    [Theory]
    [InlineData("GET / HTTP/9.9\r\n\r\n")]
    [InlineData("\u0000\u0001\u0002")]
    [InlineData("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"mess")]
    [InlineData("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    [InlineData("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")]
    public async Task ConnectionsThatBreakOffLeaveTheServerAlone(string bytes)
    {
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(_server.Url.Host, _server.Url.Port);
            await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(bytes));
        }
        Assert.Contains("ok", await _server.Http.GetStringAsync("/health"));
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task ABodyThatDoesNotComeIsNotWaitedForEver()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_server.Url.Host, _server.Url.Port);
        await client.GetStream().WriteAsync("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"u8.ToArray());
        using var reader = new StreamReader(client.GetStream());
        Assert.Contains("408", await reader.ReadLineAsync());
    }

    /// <summary>A value of a schema, or often nearly one.</summary>
    static JsonNode? Make(JsonNode? schema, Random random, int depth)
    {
        if (random.Next(12) == 0 || depth > 6 || schema is not JsonObject)
            return Anything(random, depth);
        if (schema["const"] is { } only)
            return only.DeepClone();
        if (schema["enum"] is JsonArray choices)
            return choices[random.Next(choices.Count)]?.DeepClone();
        if (schema["anyOf"] is JsonArray options)
            return Make(options[random.Next(options.Count)], random, depth + 1);
        var types = schema["type"] is JsonArray several ? several.Select(t => t!.GetValue<string>()).ToList() : [schema["type"]?.GetValue<string>() ?? ""];
        switch (types[random.Next(types.Count)])
        {
            case "object":
                var made = new JsonObject();
                foreach (var (name, property) in schema["properties"]?.AsObject() ?? [])
                    if (depth > 0 || name is "messages" or "input" or "prompt" or "content" or "tokens" or "max_tokens" || random.Next(6) == 0)
                        made[name] = name is "max_tokens" or "n" ? random.Next(0, 4) : name == "model" ? "pocket" : Make(property, random, depth + 1);
                return made;
            case "array":
                return new JsonArray([.. Enumerable.Range(0, random.Next(3)).Select(_ => Make(schema["items"], random, depth + 1))]);
            case "string":
                return Texts[random.Next(Texts.Length)];
            case "integer":
                return random.Next(-2, 100);
            case "number":
                return Math.Round(random.NextDouble() * 2, 2);
            case "boolean":
                return random.Next(2) == 0;
            case "null":
                return null;
            default:
                return Anything(random, depth);
        }
    }

    static JsonNode? Anything(Random random, int depth) => random.Next(depth > 5 ? 6 : 8) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => random.Next(-5, 5),
        3 => random.NextDouble() * 1e9,
        4 => long.MaxValue,
        5 => Texts[random.Next(Texts.Length)],
        6 => new JsonArray(Anything(random, depth + 1), Anything(random, depth + 1)),
        _ => new JsonObject { ["type"] = Texts[random.Next(Texts.Length)], ["role"] = "user", ["content"] = Anything(random, depth + 1), ["text"] = Texts[random.Next(Texts.Length)] },
    };
}
