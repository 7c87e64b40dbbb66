using System.Net;
using System.Text.Json;
using Cria.Models;

namespace Cria.Tests.Server;

/// <summary>Several models and adapters by name, text and tokens, counts.</summary>
public sealed class ModelPoolTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task ModelsAreLoadedWhenAskedForAndLetGo()
    {
        using var other = TestModels.Write(new() { WithTokenizer = true });
        var name = Path.GetFileName(other.Path);
        await using var two = await RunningServer.StartAsync(new() { Models = ["pocket", other.Path] });
        Assert.Equal("True, False", await Loaded());
        var (status, _) = await two.PostAsync("/v1/completions", $$"""{"model":"{{name}}","prompt":"hello","max_tokens":2}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("True, True", await Loaded());
        await two.PostAsync("/models/unload", $$"""{"model":"{{name}}"}""");
        Assert.Equal("True, False", await Loaded());
        await two.PostAsync("/models/load", $$"""{"model":"{{name}}"}""");
        Assert.Equal("True, True", await Loaded());

        using var running = await two.SendAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hello"}],"stream":true,"logit_bias":{"65":100}}""", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal((409, "model", "in_use"), await two.FailAsync("/models/unload", "{}"));

        async Task<string> Loaded()
        {
            using var models = JsonDocument.Parse(await two.Http.GetStringAsync("/v1/models"));
            return string.Join(", ", models.RootElement.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("loaded").GetBoolean()));
        }
    }

    [Fact]
    public async Task AnIdleModelIsLetGoAndComesBack()
    {
        await using var idle = await RunningServer.StartAsync(new() { Models = ["pocket"], UnloadAfter = TimeSpan.FromMilliseconds(50) });
        while ((await idle.Http.GetStringAsync("/v1/models")).Contains("\"loaded\":true"))
            await Task.Delay(10);
        var (status, _) = await idle.PostAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":2}""");
        Assert.Equal(HttpStatusCode.OK, status);
    }

    [Fact]
    public async Task AnAdapterIsAModelOfItsOwn()
    {
        using var folder = new TestModel();
        using (var pocket = TextModel.Load("pocket"))
        {
            var c = pocket.Config;
            var shape = new TestShape { Hidden = c.HiddenSize, Layers = c.LayerCount, Heads = c.HeadCount, KvHeads = c.KvHeadCount, HeadSize = c.HeadSize, FeedForward = c.FeedForwardSize, Vocabulary = 8 };
            TestAdapters.Write(folder.File("mine"), TestAdapters.Products(shape, n => n.Contains("q_proj") || n.Contains("v_proj"), seed: 1));
        }
        await using var adapted = await RunningServer.StartAsync(new() { Models = ["pocket"], Adapters = new Dictionary<string, (string, string?)> { ["mine"] = (folder.File("mine"), null) } });
        var (without, with) = (await Write("pocket"), await Write("mine"));
        Assert.NotEqual(without, with);
        Assert.Equal(with, await Write("mine"));
        Assert.Equal(without, await Write("pocket"));

        async Task<string> Write(string model)
        {
            var (status, json) = await adapted.PostAsync("/v1/chat/completions", $$"""{"model":"{{model}}","messages":[{"role":"user","content":"Who are you?"}],"temperature":0,"max_tokens":16,"logprobs":true}""");
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.Equal(model, json.GetProperty("model").GetString());
            return json.GetProperty("choices").ToString();
        }
    }

    [Fact]
    public async Task TheContextCanBeSmallerThanTheModels()
    {
        await using var small = await RunningServer.StartAsync(new() { Models = ["pocket"], MaxContext = 64 });
        Assert.Equal((400, "messages", "context_length_exceeded"), await small.FailAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":60}"""));
        var (_, json) = await small.PostAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hello"}],"logit_bias":{"65":100}}""");
        Assert.Equal(64, json.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task TextGoesToIdsAndBack()
    {
        var (_, ids) = await server.PostAsync("/tokenize", """{"content":"Hello <|eot_id|> ñ 😀"}""");
        var (_, text) = await server.PostAsync("/detokenize", $$"""{"tokens":{{ids.GetProperty("tokens")}}}""");
        Assert.Equal("Hello <|eot_id|> ñ 😀", text.GetProperty("content").GetString());
        var (_, special) = await server.PostAsync("/tokenize", """{"content":"<|eot_id|>","parse_special":true,"add_special":true}""");
        Assert.Equal(2, special.GetProperty("count").GetInt32());
        Assert.Equal((400, null, "invalid_value"), await server.FailAsync("/detokenize", """{"tokens":[-1]}"""));

        var (_, prompt) = await server.PostAsync("/apply-template", """{"messages":[{"role":"user","content":"Hi <|eot_id|>"}]}""");
        Assert.StartsWith("<|begin_of_text|>", prompt.GetProperty("prompt").GetString());
        var (_, chat) = await server.PostAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi <|eot_id|>"}],"max_tokens":1}""");
        Assert.Equal(chat.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), prompt.GetProperty("tokens").GetArrayLength());
    }

    [Fact]
    public async Task CountsAreKeptForPrometheus()
    {
        await server.PostAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1}""");
        string metrics;
        do // a request is counted when it has ended, which its client may know before
            metrics = await server.Http.GetStringAsync("/metrics");
        while (!metrics.Contains("cria_requests_total{path=\"/v1/chat/completions\",status=\"200\"}"));
        Assert.Contains("# TYPE cria_request_seconds histogram", metrics);
        Assert.Contains("cria_first_token_seconds_count{model=\"pocket\"}", metrics);
        Assert.Contains("cria_tokens_total{model=\"pocket\",kind=\"answer\"}", metrics);
        Assert.Contains("cria_cache_bytes{model=\"pocket\"}", metrics);
        Assert.All(metrics.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches(@"^(# (HELP|TYPE) .+|[a-z_]+(\{.*\})? [0-9.E+-]+)$", line));
    }
}
