using System.Net;
using System.Text.Json;

namespace Cria.Tests.Server;

/// <summary>Which tools must or may be called, in the words of every endpoint.</summary>
public sealed class ToolChoiceTests(RunningServer server) : IClassFixture<RunningServer>
{
    const string Weather = """{"name":"get_weather","description":"Get the weather of a city","NAME":{"type":"object","properties":{"city":{"type":"string","maxLength":20}},"required":["city"]}}""";
    const string Timer = """{"name":"set_timer","description":"Set a timer","NAME":{"type":"object","properties":{"minutes":{"type":"integer","minimum":1,"maximum":60}},"required":["minutes"]}}""";

    static string Chat => $$$"""{"messages":[{"role":"user","content":"Hello"}],"max_tokens":60,"temperature":1.5,"seed":SEED,"tools":[{"type":"function","function":{{{Weather.Replace("NAME", "parameters")}}}},{"type":"function","function":{{{Timer.Replace("NAME", "parameters")}}}}]""";

    static string Responses => $$"""{"input":"Hello","max_output_tokens":60,"temperature":1.5,"tools":[{{Flat("parameters", Weather)}},{{Flat("parameters", Timer)}}]""";

    static string Messages => $$"""{"messages":[{"role":"user","content":"Hello"}],"max_tokens":60,"temperature":1.5,"tools":[{{Weather.Replace("NAME", "input_schema")}},{{Timer.Replace("NAME", "input_schema")}}]""";

    [Theory]
    [InlineData("\"required\"", null)]
    [InlineData("""{"type":"function","function":{"name":"set_timer"}}""", "set_timer")]
    [InlineData("""{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"get_weather"}}]}}""", "get_weather")]
    public async Task AChatCompletionIsTheCallThatIsRequired(string choice, string? name)
    {
        for (var seed = 0; seed < 5; seed++)
        {
            var (status, json) = await server.PostAsync("/v1/chat/completions", Chat.Replace("SEED", $"{seed}") + $$""","tool_choice":{{choice}},"parallel_tool_calls":false}""");
            Assert.Equal(HttpStatusCode.OK, status);
            var answer = json.GetProperty("choices")[0];
            Assert.Equal("tool_calls", answer.GetProperty("finish_reason").GetString());
            var function = Assert.Single(answer.GetProperty("message").GetProperty("tool_calls").EnumerateArray()).GetProperty("function");
            Check(function.GetProperty("name").GetString()!, JsonElement.Parse(function.GetProperty("arguments").GetString()!), name);
        }
    }

    [Theory]
    [InlineData("\"required\"", null)]
    [InlineData("""{"type":"function","name":"get_weather"}""", "get_weather")]
    public async Task AResponseIsTheCallThatIsRequired(string choice, string? name)
    {
        var (status, json) = await server.PostAsync("/v1/responses", Responses + $$""","tool_choice":{{choice}},"parallel_tool_calls":false}""");
        Assert.Equal(HttpStatusCode.OK, status);
        var call = Assert.Single(json.GetProperty("output").EnumerateArray());
        Assert.Equal("function_call", call.GetProperty("type").GetString());
        Check(call.GetProperty("name").GetString()!, JsonElement.Parse(call.GetProperty("arguments").GetString()!), name);
    }

    [Theory]
    [InlineData("""{"type":"any","disable_parallel_tool_use":true}""", null)]
    [InlineData("""{"type":"tool","name":"set_timer","disable_parallel_tool_use":true}""", "set_timer")]
    public async Task AMessageIsTheUseThatIsRequired(string choice, string? name)
    {
        var (status, json) = await server.PostAsync("/v1/messages", Messages + $$""","tool_choice":{{choice}}}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("tool_use", json.GetProperty("stop_reason").GetString());
        var use = Assert.Single(json.GetProperty("content").EnumerateArray());
        Check(use.GetProperty("name").GetString()!, use.GetProperty("input"), name);
    }

    [Fact]
    public async Task WithoutChoiceOrToolsOfItsOwnAnAnswerIsText()
    {
        var question = Chat.Replace("SEED", "1").Replace("Hello", "What is the weather in Rome?").Replace("1.5", "0");
        var (_, none) = await server.PostAsync("/v1/chat/completions", question + ""","tool_choice":"none"}""");
        Assert.Equal("stop", none.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        var (_, auto) = await server.PostAsync("/v1/chat/completions", question + ""","tool_choice":"auto"}""");
        Assert.Equal("tool_calls", auto.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task AStrictToolWhoseSchemaCannotBeHonouredIsRefused()
    {
        var body = Chat.Replace("SEED", "1").Replace("\"maxLength\":20", "\"$dynamicRef\":\"#a\"");
        var (status, json) = await server.PostAsync("/v1/chat/completions", body.Replace("\"name\":\"get_weather\"", "\"name\":\"get_weather\",\"strict\":true") + "}");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("/properties/city/$dynamicRef", json.GetProperty("error").GetProperty("message").GetString());
        Assert.Equal("tools", json.GetProperty("error").GetProperty("param").GetString());
        using var told = await server.SendAsync("/v1/chat/completions", body + "}");
        Assert.Equal(HttpStatusCode.OK, told.StatusCode);
        Assert.Equal("get_weather", told.Headers.GetValues("x-cria-unguarded-tools").Single());
    }

    static string Flat(string schema, string tool) => "{\"type\":\"function\"," + tool.Replace("NAME", schema)[1..];

    static void Check(string name, JsonElement arguments, string? wanted)
    {
        Assert.Contains(name, wanted is null ? ["get_weather", "set_timer"] : new[] { wanted });
        if (name == "set_timer")
            Assert.InRange(arguments.GetProperty("minutes").GetInt32(), 1, 60);
        else
            Assert.InRange(arguments.GetProperty("city").GetString()!.Length, 0, 40);
    }
}
