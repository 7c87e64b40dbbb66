using System.Net;
using System.Text.Json;

namespace Cria.Tests.Server;

/// <summary>/v1/messages, in Anthropic's shape.</summary>
public sealed class MessagesTests(RunningServer server) : IClassFixture<RunningServer>
{
    const string Question = """{"max_tokens":48,"temperature":0,"system":"Be brief.","messages":[{"role":"user","content":[{"type":"text","text":"Who are you?"}]}]}""";
    const string Tools = """
        {"max_tokens":48,"temperature":0,"tools":[{"name":"get_weather","description":"The weather in a city","input_schema":{"type":"object","properties":{"city":{"type":"string","description":"The city"}},"required":["city"]}}],
         "messages":[{"role":"user","content":"What is the weather in Rome?"}]}
        """;

    [Fact]
    public async Task AnAnswerSaysWhatAChatCompletionSays()
    {
        var (status, message) = await server.PostAsync("/v1/messages", Question);
        Assert.Equal(HttpStatusCode.OK, status);
        var (_, chat) = await server.PostAsync("/v1/chat/completions", """{"max_tokens":48,"temperature":0,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Who are you?"}]}""");
        Assert.Equal(chat.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), message.GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal("end_turn", message.GetProperty("stop_reason").GetString());
        Assert.Equal(chat.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), Read(message));
        var (_, count) = await server.PostAsync("/v1/messages/count_tokens", Question);
        Assert.Equal(Read(message), count.GetProperty("input_tokens").GetInt32());
    }

    [Fact]
    public async Task TokensKnownFromAnEarlierPromptAreCountedApart()
    {
        var question = Question.Replace("Be brief.", "Be brief and count.");
        var (_, first) = await server.PostAsync("/v1/messages", question);
        var usage = (await StreamAsync(question))[^2].GetProperty("usage");
        Assert.Equal(Read(first), Read(usage));
        Assert.Equal(1, usage.GetProperty("input_tokens").GetInt32()); // the last token is read in any case
        Assert.Equal(0, usage.GetProperty("cache_creation_input_tokens").GetInt32());
    }

    [Fact]
    public async Task TheAssistantsLastWordsAreGoneOnWith()
    {
        var (_, whole) = await server.PostAsync("/v1/messages", Question);
        var text = whole.GetProperty("content")[0].GetProperty("text").GetString()!;
        var given = text[..text.IndexOf(' ', 4)];
        var prefilled = Question.Replace("}]}]}", $$"""}]},{"role":"assistant","content":{{JsonSerializer.Serialize(given)}}}]}""");
        var (_, rest) = await server.PostAsync("/v1/messages", prefilled);
        Assert.Equal(text[given.Length..], rest.GetProperty("content")[0].GetProperty("text").GetString());
        var events = await StreamAsync(prefilled);
        Assert.Equal(text[given.Length..], string.Concat(events.Select(e => e.TryGetProperty("delta", out var delta) && delta.TryGetProperty("text", out var piece) ? piece.GetString() : "")));

        var (_, chat) = await server.PostAsync("/v1/chat/completions", "{" + prefilled.Replace("\"system\":\"Be brief.\",", "").Replace("\"messages\":[", "\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},")[1..]);
        Assert.Equal(text[given.Length..], chat.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal((400, "continue_final_message", "invalid_value"), await server.FailAsync("/v1/chat/completions", """{"continue_final_message":true,"messages":[{"role":"user","content":"a"}]}"""));
    }

    [Fact]
    public async Task AStreamOpensAndClosesWhatItBrings()
    {
        var (_, whole) = await server.PostAsync("/v1/messages", Question);
        var events = await StreamAsync(Question);
        string[] kinds = [.. events.Select(e => e.GetProperty("type").GetString()!)];
        Assert.Equal(["message_start", "content_block_start"], kinds[..2]);
        Assert.Equal(["content_block_stop", "message_delta", "message_stop"], kinds[^3..]);
        Assert.Equal(whole.GetProperty("content")[0].GetProperty("text").GetString(),
            string.Concat(events.Where(e => e.GetProperty("type").GetString() == "content_block_delta").Select(e => e.GetProperty("delta").GetProperty("text").GetString())));
        Assert.Equal(whole.GetProperty("usage").GetProperty("output_tokens").GetInt32(), events[^2].GetProperty("usage").GetProperty("output_tokens").GetInt32());
    }

    [Fact]
    public async Task ToolsAreUsedAndTheirResultsRead()
    {
        var (_, asked) = await server.PostAsync("/v1/messages", Tools);
        Assert.Equal("tool_use", asked.GetProperty("stop_reason").GetString());
        var use = Assert.Single(asked.GetProperty("content").EnumerateArray());
        Assert.Equal("Rome", use.GetProperty("input").GetProperty("city").GetString());
        var streamed = await StreamAsync(Tools);
        Assert.Equal("""{"city":"Rome"}""", streamed.First(e => e.GetProperty("type").GetString() == "content_block_delta").GetProperty("delta").GetProperty("partial_json").GetString());

        var id = use.GetProperty("id").GetString();
        var (status, told) = await server.PostAsync("/v1/messages", Tools.Replace("\"What is the weather in Rome?\"}]", "\"What is the weather in Rome?\"},"
            + $$"""{"role":"assistant","content":[{{use}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{id}}","content":"sunny"}]}]"""));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.NotEmpty(told.GetProperty("content").EnumerateArray());
    }

    [Fact]
    public async Task AStopSequenceIsNamed()
    {
        var (_, message) = await server.PostAsync("/v1/messages", Question.Replace("\"max_tokens\":48", "\"max_tokens\":48,\"stop_sequences\":[\"zebra\",\"pocket\"]"));
        Assert.Equal("stop_sequence", message.GetProperty("stop_reason").GetString());
        Assert.Equal("pocket", message.GetProperty("stop_sequence").GetString());
        var (_, cut) = await server.PostAsync("/v1/messages", Question.Replace("48", "2"));
        Assert.Equal("max_tokens", cut.GetProperty("stop_reason").GetString());
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"a"}]}""", "max_tokens is missing")]
    [InlineData("""{"max_tokens":1,"messages":[]}""", "messages is not a list")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":[]}]}""", "messages is empty")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"system","content":"a"}]}""", "messages[0].role")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image"}]}]}""", "messages[0].content[0].source")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b "}]}""", "not end with white space")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}]}""", "messages ends with the assistant's")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"thinking":{"type":"enabled","budget_tokens":1024}}""", "thinking cannot be honoured")]
    public async Task AWrongRequestIsRefusedInAnthropicsShape(string body, string expected)
    {
        var (status, json) = await server.PostAsync("/v1/messages", body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("error", json.GetProperty("type").GetString());
        Assert.Equal("invalid_request_error", json.GetProperty("error").GetProperty("type").GetString());
        Assert.Contains(expected, json.GetProperty("error").GetProperty("message").GetString());
    }

    /// <summary>The tokens of a prompt, from a message or its usage.</summary>
    static int Read(JsonElement json)
    {
        var usage = json.TryGetProperty("usage", out var inner) ? inner : json;
        return usage.GetProperty("input_tokens").GetInt32() + usage.GetProperty("cache_read_input_tokens").GetInt32();
    }

    async Task<List<JsonElement>> StreamAsync(string body)
    {
        using var response = await server.SendAsync("/v1/messages", body.Replace("\"temperature\":0", "\"temperature\":0,\"stream\":true"));
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n');
        var events = lines.Where(l => l.StartsWith("data: ", StringComparison.Ordinal)).Select(l => JsonElement.Parse(l["data: ".Length..])).ToList();
        Assert.Equal(lines.Where(l => l.StartsWith("event: ", StringComparison.Ordinal)).Select(l => l["event: ".Length..]), events.Select(e => e.GetProperty("type").GetString()));
        return events;
    }
}
