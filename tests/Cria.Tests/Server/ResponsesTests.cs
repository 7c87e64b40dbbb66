using System.ClientModel;
using System.Text;
using System.Text.Json;
using OpenAI.Responses;

namespace Cria.Tests.Server;

/// <summary>/v1/responses, by OpenAI's own client.</summary>
public sealed class ResponsesTests(RunningServer server) : IClassFixture<RunningServer>
{
    static readonly FunctionTool Weather = ResponseTool.CreateFunctionTool("get_weather",
        BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string","description":"The city"}},"required":["city"]}"""), strictModeEnabled: false, "The weather in a city");

    ResponsesClient Client => server.OpenAI().GetResponsesClient();

    static CreateResponseOptions Ask(string text, string? previous = null, bool stored = true)
    {
        var options = new CreateResponseOptions { Model = "pocket", Temperature = 0, MaxOutputTokenCount = 48, PreviousResponseId = previous, StoredOutputEnabled = stored };
        options.InputItems.Add(ResponseItem.CreateUserMessageItem(text));
        return options;
    }

    [Fact]
    public async Task AResponseIsKeptAndGoneOnFrom()
    {
        ResponseResult first = await Client.CreateResponseAsync(Ask("My name is Clara."));
        Assert.Equal(ResponseStatus.Completed, first.Status);
        Assert.NotEmpty(first.GetOutputText());
        ResponseResult second = await Client.CreateResponseAsync(Ask("Who are you?", first.Id));
        Assert.True(second.Usage.InputTokenCount > first.Usage.InputTokenCount + first.Usage.OutputTokenCount);
        Assert.Equal(first.Id, second.PreviousResponseId);

        ResponseResult again = await Client.GetResponseAsync(first.Id);
        Assert.Equal(first.GetOutputText(), again.GetOutputText());
        await Client.DeleteResponseAsync(first.Id);
        Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => Client.GetResponseAsync(first.Id))).Status);
        Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => Client.CreateResponseAsync(Ask("Who?", first.Id)))).Status);
        ResponseResult fleeting = await Client.CreateResponseAsync(Ask("Who are you?", stored: false));
        Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => Client.GetResponseAsync(fleeting.Id))).Status);
    }

    [Fact]
    public async Task AStreamSaysWhatTheWholeResponseSays()
    {
        ResponseResult whole = await Client.CreateResponseAsync(Ask("Who are you?"));
        var options = Ask("Who are you?");
        options.StreamingEnabled = true;
        var text = new StringBuilder();
        var updates = new List<StreamingResponseUpdate>();
        await foreach (var update in await Client.CreateResponseStreamingAsync(options))
        {
            updates.Add(update);
            text.Append((update as StreamingResponseOutputTextDeltaUpdate)?.Delta);
        }
        Assert.Equal(whole.GetOutputText(), text.ToString());
        Assert.Equal(Enumerable.Range(0, updates.Count), updates.Select(u => u.SequenceNumber));
        Assert.IsType<StreamingResponseCreatedUpdate>(updates[0]);
        var completed = Assert.IsType<StreamingResponseCompletedUpdate>(updates[^1]);
        Assert.Equal(whole.GetOutputText(), completed.Response.GetOutputText());
        Assert.Equal(whole.Usage.TotalTokenCount, completed.Response.Usage.TotalTokenCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FunctionsAreCalledAndTheirOutputRead(bool streamed)
    {
        var options = Ask("What is the weather in Rome?");
        options.Tools.Add(Weather);
        options.StreamingEnabled = streamed;
        ResponseResult asked;
        if (streamed)
        {
            asked = null!;
            await foreach (var update in await Client.CreateResponseStreamingAsync(options))
                asked = (update as StreamingResponseCompletedUpdate)?.Response ?? asked;
        }
        else
            asked = await Client.CreateResponseAsync(options);
        var call = Assert.IsType<FunctionCallResponseItem>(Assert.Single(asked.OutputItems));
        Assert.Equal("get_weather", call.FunctionName);
        Assert.Contains("Rome", call.FunctionArguments.ToString());

        var told = new CreateResponseOptions { Model = "pocket", Temperature = 0, PreviousResponseId = asked.Id, MaxOutputTokenCount = 48 };
        told.Tools.Add(Weather);
        told.InputItems.Add(ResponseItem.CreateFunctionCallOutputItem(call.CallId, """{"sky":"sunny","degrees":31}"""));
        ResponseResult answer = await Client.CreateResponseAsync(told);
        Assert.NotEmpty(answer.GetOutputText());
    }

    [Fact]
    public async Task ATextIsOfTheFormatThatIsAskedFor()
    {
        var options = Ask("Who are you?");
        options.MaxOutputTokenCount = 100;
        options.TextOptions = new() { TextFormat = ResponseTextFormat.CreateJsonSchemaFormat("person", BinaryData.FromString(OpenAiClientTests.PersonSchema), null, jsonSchemaIsStrict: true) };
        ResponseResult answer = await Client.CreateResponseAsync(options);
        OpenAiClientTests.AssertPerson(answer.GetOutputText());
        options.TextOptions.TextFormat = ResponseTextFormat.CreateJsonObjectFormat();
        answer = await Client.CreateResponseAsync(options);
        Assert.Equal(JsonValueKind.Object, JsonElement.Parse(answer.GetOutputText()).ValueKind);
    }

    [Theory]
    [InlineData("""{}""", "input", "invalid_value")]
    [InlineData("""{"input":[]}""", "input", "invalid_value")]
    [InlineData("""{"input":[{"type":"item_reference","id":"a"}]}""", "input[0].type", "unsupported_value")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]}""", "input[0].content[0].image_url", "invalid_value")]
    [InlineData("""{"input":[{"type":"function_call","call_id":"a","name":"f","arguments":"["}]}""", "input[0].arguments", "invalid_value")]
    [InlineData("""{"input":"a","background":true}""", "background", "unsupported_value")]
    [InlineData("""{"input":"a","truncation":"auto"}""", "truncation", "unsupported_value")]
    [InlineData("""{"input":"a","reasoning":{"effort":"high"}}""", "reasoning", "unsupported_value")]
    [InlineData("""{"input":"a","tools":[{"type":"web_search"}]}""", "tools[0].type", "unsupported_value")]
    public async Task AWrongRequestIsRefusedWithTheField(string body, string param, string code) =>
        Assert.Equal((400, param, code), await server.FailAsync("/v1/responses", body));
}
