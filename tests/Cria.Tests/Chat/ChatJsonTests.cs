using System.Text.Json;
using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

public sealed class ChatJsonTests
{
    static ChatMessage Read(string message) => Assert.Single(ChatJson.ReadMessages(JsonElement.Parse($"[{message}]")));

    [Fact]
    public void RolesAndTextsAreTaken()
    {
        Assert.Equal((ChatRole.System, "a\n"), (Read("""{"role":"system","content":"a\n"}""") is var m) ? (m.Role, m.Text) : default);
        Assert.Equal(["x", "y"], Read("""{"role":"user","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}""").Contents.Select(c => ((TextContent)c).Text));
        Assert.Empty(Read("""{"role":"assistant","content":null,"tool_calls":[]}""").Contents);
        var marked = Read("""{"role":"assistant","content":"a","stop_reason":"end_of_message","name":"n"}""");
        Assert.Equal("end_of_message", marked.AdditionalProperties![ChatFormat.StopReason]);
        Assert.Equal("retrieved", Read("""{"role":"user","content":"q","context":"retrieved"}""").AdditionalProperties![ChatFormat.Context]);
    }

    [Fact]
    public void ArgumentsKeepTheirOrder()
    {
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(Read(
            """{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"z\": 1, \"a\": [true, null], \"m\": {\"k\": \"v\"}}"}}]}""").Contents));
        Assert.Equal(("c1", "f"), (call.CallId, call.Name));
        Assert.Equal(["z", "a", "m"], call.Arguments!.Keys);
    }

    [Theory]
    [InlineData("\"text\"", "text")]
    [InlineData("{\"a\":1}", "{\"a\": 1}")]
    [InlineData("[1, 2]", "[1, 2]")]
    [InlineData("25", "25")]
    [InlineData("[{\"type\":\"text\",\"text\":\"part\"}]", "part")]
    public void ToolResultsMayBeAnyValue(string content, string written)
    {
        foreach (var role in new[] { "tool", "ipython" })
        {
            var message = Read($$"""{"role":"{{role}}","tool_call_id":"c1","content":{{content}}}""");
            Assert.Equal(ChatRole.Tool, message.Role);
            Assert.EndsWith($"ipython<|end_header_id|>\n\n{written}<|eot_id|>", ChatFormat.Render([message], new() { AddGenerationPrompt = false }).Text);
        }
    }

    [Fact]
    public void ImagesAreDataOrAddresses()
    {
        var contents = Read("""{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"image_url","image_url":{"url":"https://example.org/a.png"}}]}""").Contents;
        Assert.Equal("image/png", Assert.IsType<DataContent>(contents[0]).MediaType);
        Assert.IsType<UriContent>(contents[1]);
    }

    [Theory]
    [InlineData("{}", "messages is not a list")]
    [InlineData("[1]", "messages[0] is not an object")]
    [InlineData("[{\"role\":\"user\"},{\"content\":\"a\"}]", "messages[1].role is missing")]
    [InlineData("[{\"role\":\"robot\"}]", "messages[0].role is \"robot\"")]
    [InlineData("[{\"role\":\"a\\n\\u001bb\"}]", "messages[0].role is \"a??b\"")]
    [InlineData("[{\"role\":7}]", "messages[0].role is not a string")]
    [InlineData("[{\"role\":\"user\",\"content\":7}]", "messages[0].content")]
    [InlineData("[{\"role\":\"user\",\"content\":[]}]", "messages[0].content")]
    [InlineData("[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", "messages[0].content[0].text")]
    [InlineData("[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"no address\"}}]}]", "messages[0].content[0].image_url.url")]
    [InlineData("[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:;;\"}}]}]", "messages[0].content[0].image_url.url")]
    [InlineData("[{\"role\":\"assistant\",\"tool_calls\":{}}]", "messages[0].tool_calls is not a list")]
    [InlineData("[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{}}]}]", "messages[0].tool_calls[0].function.name")]
    [InlineData("[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}]", "messages[0].tool_calls[0].function.arguments")]
    [InlineData("[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"[1]\"}}]}]", "messages[0].tool_calls[0].function.arguments")]
    [InlineData("[{\"role\":\"user\",\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}]", "messages[0].tool_calls")]
    [InlineData("[{\"role\":\"assistant\",\"stop_reason\":\"tired\"}]", "messages[0].stop_reason")]
    public void BadMessageNamesItsField(string json, string start)
    {
        var error = Assert.Throws<CriaException>(() => ChatJson.ReadMessages(JsonElement.Parse(json)));
        Assert.StartsWith(start, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void ToolsKeepNameDescriptionAndSchema()
    {
        var tool = Assert.Single(ChatJson.ReadTools(JsonElement.Parse("""[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"string"}}}}}]""")));
        Assert.Equal(("f", "d"), (tool.Name, tool.Description));
        Assert.Equal("string", tool.JsonSchema.GetProperty("properties").GetProperty("x").GetProperty("type").GetString());
        Assert.StartsWith("tools[0].function.name", Assert.Throws<CriaException>(() => ChatJson.ReadTools(JsonElement.Parse("""[{"function":{}}]"""))).Message);
        Assert.StartsWith("tools[0].type", Assert.Throws<CriaException>(() => ChatJson.ReadTools(JsonElement.Parse("""[{"type":"retrieval"}]"""))).Message);
    }
}
