using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cria.Models;
using Cria.Server.Wire;
using Cria.Tests.Images;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Server;

/// <summary>Where the APIs have images, and what is said of those that cannot be taken.</summary>
public sealed class ImageInputTests(RunningServer server) : IClassFixture<RunningServer>
{
    static readonly string DataUrl = "data:image/png;base64," + Convert.ToBase64String(TestImages.Png(8, 8));

    [Theory]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"@"}}]}]}""", "messages[0].content[0].image_url.url")]
    [InlineData("/v1/responses", """{"input":[{"role":"user","content":[{"type":"input_text","text":"x"},{"type":"input_image","image_url":"@"}]}]}""", "input[0].content[1].image_url")]
    [InlineData("/v1/messages", """{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"@"}}]}]}""", "messages[0].content[0].source.url")]
    public async Task AFieldThatHoldsNoImageIsNamed(string path, string body, string field)
    {
        foreach (var wrong in (string[])["data:image/png;base64,%%%", "data:text/plain;base64,AAAA", "not an address", "data:;;"])
            Assert.StartsWith(field + " is ", await FailAsync(wrong));
        Assert.Contains("send a data URL", await FailAsync("https://example.org/a.png"));
        Assert.Contains("reads text only", await FailAsync(DataUrl));

        async Task<string> FailAsync(string url)
        {
            var (status, json) = await server.PostAsync(path, body.Replace("@", url));
            Assert.Equal(400, (int)status);
            return json.GetProperty("error").GetProperty("message").GetString()!;
        }
    }

    [Fact]
    public void ImagesOfEveryApiBecomeTheSameContent()
    {
        var response = Read("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"@"},{"type":"input_text","text":"What?"}]}]}""", WireJson.Default.ResponseRequest);
        var message = Read("""{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"#"}},{"type":"text","text":"What?"}]}]}""", WireJson.Default.MessageRequest);
        var chat = Read("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"@"}},{"type":"text","text":"What?"}]}]}""", WireJson.Default.ChatRequest);
        foreach (var dialogue in (List<ChatMessage>[])[response.Dialogue(), message.Dialogue(), chat.Dialogue])
        {
            var contents = Assert.Single(dialogue).Contents;
            Assert.Equal(TestImages.Png(8, 8), Assert.IsType<DataContent>(contents[0]).Data.ToArray());
            Assert.Equal("What?", Assert.IsType<TextContent>(contents[1]).Text);
        }
    }

    static T Read<T>(string body, JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Filled(body), type)!;

    static string Filled(string body) => body.Replace("@", DataUrl).Replace("#", DataUrl["data:image/png;base64,".Length..]);

    [Fact]
    public async Task AVisionModelAnswersInEveryApi()
    {
        using var model = TestModels.Write(new() { WithTokenizer = true, Layers = 3, CrossLayers = [1] });
        await using var vision = await RunningServer.StartAsync(new() { Models = [model.Path] });
        var models = JsonElement.Parse(await vision.Http.GetStringAsync("/v1/models", TestContext.Current.CancellationToken));
        Assert.Equal(["text", "image"], models.GetProperty("data")[0].GetProperty("input_modalities").EnumerateArray().Select(m => m.GetString()));
        foreach (var (path, body) in new[]
        {
            ("/v1/chat/completions", """{"max_tokens":4,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"image_url","image_url":{"url":"@"}},{"type":"text","text":"What?"}]}]}"""),
            ("/v1/responses", """{"max_output_tokens":4,"input":[{"role":"user","content":[{"type":"input_image","image_url":"@"},{"type":"input_text","text":"What?"}]}]}"""),
            ("/v1/messages", """{"max_tokens":4,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"#"}},{"type":"text","text":"What?"}]}]}"""),
        })
        {
            var (status, json) = await vision.PostAsync(path, Filled(body));
            Assert.True((int)status == 200, json.GetRawText());
            var (wrong, error) = await vision.PostAsync(path, Filled(body).Replace("iVBOR", "AAAAA"));
            Assert.Equal(400, (int)wrong);
            Assert.Contains("image 1 of 1: no PNG", error.GetProperty("error").GetProperty("message").GetString());
        }
    }

    /// <summary>An adapter that changes how images are read is a model of its own beside the one whose weights it shares.</summary>
    [Fact]
    public async Task AnAdapterOfAVisionModelSeesTheImageItsOwnWay()
    {
        var shape = new TestShape { WithTokenizer = true, Vocabulary = TestModels.TokenizerSize, Layers = 3, CrossLayers = [1] };
        var products = TestAdapters.Products(shape, n => n.Contains("fc1") || n.Contains("cross_attn.v_proj"), seed: 1);
        using var files = TestModels.Write(shape);
        using var merged = TestAdapters.WriteMerged(shape, products);
        var adapters = new Dictionary<string, (string, string?)> { ["mine"] = (TestAdapters.Write(files.File("mine"), products), null) };
        await using var adapted = await RunningServer.StartAsync(new() { Models = [files.Path], Client = new() { Model = new() { Compute = ComputeType.F32 } }, Adapters = adapters });
        await using var plain = await RunningServer.StartAsync(new() { Models = [merged.Path], Client = new() { Model = new() { Compute = ComputeType.F32 } } });
        var own = await AnswerAsync(adapted, "mine");
        Assert.Equal(await AnswerAsync(plain, Path.GetFileName(merged.Path)), own);
        Assert.NotEqual(await AnswerAsync(adapted, Path.GetFileName(files.Path)), own);

        async Task<string> AnswerAsync(RunningServer server, string model)
        {
            var (status, json) = await server.PostAsync("/v1/chat/completions", Filled("""
                {"model":"NAME","max_tokens":40,"temperature":1,"seed":1,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"@"}}]}]}
                """.Replace("NAME", model)));
            Assert.True((int)status == 200, json.GetRawText());
            return json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
        }
    }

    [Fact]
    public async Task AModelSaysWhatItTakes()
    {
        var models = JsonElement.Parse(await server.Http.GetStringAsync("/v1/models", TestContext.Current.CancellationToken));
        Assert.Equal(["text"], models.GetProperty("data")[0].GetProperty("input_modalities").EnumerateArray().Select(m => m.GetString()));
    }
}
