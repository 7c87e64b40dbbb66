using System.ComponentModel;
using System.Text.Json;
using Cria.Chat;
using Cria.Tests.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

/// <summary>Replies while tools are on offer: what is sampled, however randomly, is a call that is right or text.</summary>
public sealed class GuardedCallsTests
{
    const string WeatherSchema = """{"type":"object","properties":{"city":{"enum":["Rome","Oslo"]},"days":{"type":"integer","minimum":1,"maximum":9}},"required":["city"]}""";

    static readonly AIFunctionDeclaration Weather = Tool("get_weather", WeatherSchema);
    static readonly AIFunctionDeclaration Timer = Tool("set_timer", """{"type":"object","properties":{"minutes":{"type":"integer"}},"required":["minutes"]}""");

    public static TheoryData<ChatStyle, ToolFormat> Syntaxes =>
    [
        (ChatStyle.Meta, ToolFormat.Pythonic), (ChatStyle.Meta, ToolFormat.Json), (ChatStyle.Meta, ToolFormat.FunctionTag), (ChatStyle.HuggingFace32, ToolFormat.Pythonic),
    ];

    [Theory]
    [MemberData(nameof(Syntaxes))]
    public async Task SampledCallsOfAnySignatureNameAToolAndSatisfyItsSchema(ChatStyle style, ToolFormat format)
    {
        using var client = Pocket(style, format);
        var random = new Random(7);
        var (calls, unjudged) = (0, 0);
        for (var seed = 0; seed < 25; seed++)
        {
            var tools = Enumerable.Range(0, 1 + random.Next(3)).ToDictionary(i => $"tool_{i}", _ => Signature(random));
            var options = new ChatOptions
            {
                Tools = [.. tools.Select(t => Tool(t.Key, t.Value))],
                ToolMode = ChatToolMode.RequireAny,
                AllowMultipleToolCalls = random.Next(3) switch { 0 => null, 1 => true, _ => false },
                Temperature = 1.5f,
                Seed = seed,
                MaxOutputTokens = 80,
            };
            ChatResponse response;
            try
            {
                response = await client.GetResponseAsync("Do it.", options, TestContext.Current.CancellationToken);
            }
            catch (CriaException e) when (e.Message.Contains("cannot be guarded") || e.Message.Contains("too few"))
            {
                continue; // nothing satisfies the random schema, or it cannot be honoured
            }
            var contents = response.Messages.SelectMany(m => m.Contents).Where(c => c is not UsageContent).ToList();
            Assert.NotEmpty(contents);
            Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
            Assert.True(options.AllowMultipleToolCalls != false || contents.Count == 1);
            foreach (var call in contents.Select(Assert.IsType<FunctionCallContent>))
            {
                calls++;
                var arguments = JsonSerializer.Serialize(call.Arguments);
                var isValid = TestSchemas.IsValid(tools[call.Name], arguments);
                Assert.True(isValid != false, $"{tools[call.Name]}: {arguments}");
                unjudged += isValid is null ? 1 : 0;
            }
        }
        Assert.True(calls - unjudged >= 12, $"{calls} calls, {unjudged} beyond the validator");
    }

    [Theory]
    [MemberData(nameof(Syntaxes))]
    public async Task WithoutTheNeedOfACallTextIsTextAndACallIsRight(ChatStyle style, ToolFormat format)
    {
        using var client = Pocket(style, format);
        var (calls, texts) = (0, 0);
        for (var seed = 0; seed < 60; seed++)
        {
            var begun = seed % 2 == 0 ? "" : style != ChatStyle.Meta || format == ToolFormat.Json ? "{\"" : format == ToolFormat.Pythonic ? "[s" : "Now: <function=";
            var options = new ChatOptions { Tools = [Weather, Timer], Temperature = 1.5f, Seed = seed, MaxOutputTokens = 40, AdditionalProperties = new() { [CriaChatClient.ContinueFinalMessage] = begun.Length > 0 } };
            List<ChatMessage> dialogue = [new(ChatRole.User, "Hello")];
            if (begun.Length > 0)
                dialogue.Add(new(ChatRole.Assistant, begun));
            var response = await client.GetResponseAsync(dialogue, options, TestContext.Current.CancellationToken);
            foreach (var call in response.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>())
            {
                calls++;
                Assert.True(TestSchemas.IsValid(Schemas[call.Name], JsonSerializer.Serialize(call.Arguments)));
            }
            texts += response.Text.Length > 0 ? 1 : 0;
            Assert.DoesNotContain("<function=", response.Text);
            Assert.DoesNotMatch(style == ChatStyle.Meta && format == ToolFormat.Pythonic ? @"^\s*\[\s*[a-zA-Z_]" : @"^\s*\[\s*(get_weather|set_timer)\s*\(", response.Text);
            Assert.DoesNotMatch(style != ChatStyle.Meta || format == ToolFormat.Json ? @"^\s*\{\s*""" : @"^\s*\{\s*""(name|type|parameters|arguments)""", response.Text);
        }
        Assert.True(calls >= 30 && texts > 10, $"{calls} calls, {texts} texts");
    }

    static readonly Dictionary<string, string> Schemas = new() { ["get_weather"] = WeatherSchema, ["set_timer"] = """{"required":["minutes"]}""" };

    [Fact]
    public async Task ANamedToolIsCalledAndNoOther()
    {
        using var client = Pocket();
        foreach (var name in new[] { "get_weather", "set_timer" })
        {
            var options = new ChatOptions { Tools = [Weather, Timer], ToolMode = ChatToolMode.RequireSpecific(name), Temperature = 0, AllowMultipleToolCalls = false };
            var response = await client.GetResponseAsync("What is the weather in Rome?", options, TestContext.Current.CancellationToken);
            Assert.Equal(name, Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>()).Name);
        }
    }

    [Fact]
    public async Task AReplyIsTheDocumentOrACall()
    {
        using var client = Pocket(format: ToolFormat.Json);
        // The document may look like a call of the tool whose arguments do not fit it.
        var schema = JsonElement.Parse("""{"type":"object","properties":{"name":{"const":"get_weather"},"parameters":{"type":"object","properties":{"town":{"enum":["Bonn"]}},"required":["town"],"additionalProperties":false}},"required":["name","parameters"],"additionalProperties":false}""");
        var (calls, documents) = (0, 0);
        for (var seed = 0; seed < 40; seed++)
        {
            var options = new ChatOptions { Tools = [Weather], ResponseFormat = ChatResponseFormat.ForJsonSchema(schema), Temperature = 1.5f, Seed = seed, MaxOutputTokens = 60 };
            var response = await client.GetResponseAsync("Hello", options, TestContext.Current.CancellationToken);
            if (response.Messages[0].Contents.OfType<FunctionCallContent>().ToList() is [var call, ..])
            {
                calls++;
                Assert.True(TestSchemas.IsValid(WeatherSchema, JsonSerializer.Serialize(call.Arguments)));
            }
            else
            {
                documents++;
                Assert.True(TestSchemas.IsValid(schema.GetRawText(), response.Text), response.Text);
            }
        }
        Assert.True(calls > 2 && documents > 2, $"{calls} calls, {documents} documents");
        var required = new ChatOptions { Tools = [Weather], ToolMode = ChatToolMode.RequireAny, ResponseFormat = ChatResponseFormat.Json, Temperature = 0, MaxOutputTokens = 60 };
        Assert.Equal(ChatFinishReason.ToolCalls, (await client.GetResponseAsync("Hello", required, TestContext.Current.CancellationToken)).FinishReason);
    }

    [Fact]
    public async Task BuiltinToolsAreCalledTheirOwnWay()
    {
        using var client = Pocket(format: ToolFormat.Json);
        foreach (var (name, argument) in new[] { ("brave_search", "query"), ("code_interpreter", "code") })
            for (var seed = 0; seed < 10; seed++)
            {
                var options = new ChatOptions { Tools = [Tool(name, "{}"), Weather], ToolMode = ChatToolMode.RequireSpecific(name), Temperature = 1.5f, Seed = seed, MaxOutputTokens = 30, AllowMultipleToolCalls = false };
                var response = await client.GetResponseAsync("Hello", options, TestContext.Current.CancellationToken);
                var call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
                Assert.Equal((name, argument), (call.Name, Assert.Single(call.Arguments!).Key));
            }
    }

    [Fact]
    public async Task AToolThatThePromptDefinesKeepsItsArgumentsWhateverItsName()
    {
        using var client = Pocket(ChatStyle.HuggingFace32); // which has no place for built-in tools
        var options = new ChatOptions
        {
            Tools = [Tool("brave_search", """{"type":"object","properties":{"count":{"type":"integer","minimum":1,"maximum":9},"fresh":{"type":"boolean"}},"required":["count","fresh"]}""")],
            ToolMode = ChatToolMode.RequireAny,
            AllowMultipleToolCalls = false,
            Temperature = 1.5f,
            Seed = 1,
            MaxOutputTokens = 60,
        };
        var call = Assert.Single((await client.GetResponseAsync("Hello", options, TestContext.Current.CancellationToken)).Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.InRange((long)call.Arguments!["count"]!, 1, 9);
        Assert.IsType<bool>(call.Arguments["fresh"]);
    }

    [Fact]
    public async Task ASchemaThatCannotBeHonouredIsRefusedOrTold()
    {
        using var client = Pocket();
        const string schema = """{"type":"object","properties":{"links":{"type":"array","items":{"type":"string"},"uniqueItems":true}},"required":["links"]}""";
        var options = new ChatOptions { Tools = [Tool("open", schema), Weather], Temperature = 0, MaxOutputTokens = 40 };
        var response = await client.GetResponseAsync("Hello", options, TestContext.Current.CancellationToken);
        var (name, why) = Assert.Single(Assert.IsType<IReadOnlyDictionary<string, string>>(response.AdditionalProperties![CriaChatClient.UnguardedTools], exactMatch: false));
        Assert.Equal("open", name);
        Assert.Contains("/properties/links/uniqueItems", why);

        options.ToolMode = ChatToolMode.RequireAny;
        await Refused(options, "tools holds \"open\", which cannot be guarded: schema /properties/links/uniqueItems");
        options.ToolMode = ChatToolMode.RequireSpecific("get_weather"); // what is not called need not be honoured
        Assert.Equal(ChatFinishReason.ToolCalls, (await client.GetResponseAsync("Hello", options, TestContext.Current.CancellationToken)).FinishReason);
        await Refused(new() { Tools = [Tool("open", schema, isStrict: true)] }, "cannot be guarded");
        await Refused(new() { Tools = [Tool("get-weather", "{}")], ToolMode = ChatToolMode.RequireAny }, "no identifier");
        await Refused(new() { Tools = [Tool("f", """{"type":"object","required":["a-b"]}""")], ToolMode = ChatToolMode.RequireAny }, "no arguments of a Python call");
        await Refused(new() { Tools = [Weather], ToolMode = ChatToolMode.RequireSpecific("other") }, "other");
        await Refused(new() { ToolMode = ChatToolMode.RequireAny }, "no tools");
        await Refused(new() { Tools = [Weather], ToolMode = ChatToolMode.RequireAny, AdditionalProperties = new() { ["guard_tools"] = false } }, "guard_tools");
        await Refused(new() { Tools = [Weather], ToolMode = ChatToolMode.RequireAny, MaxOutputTokens = 2 }, "max_tokens is 2");

        async Task Refused(ChatOptions options, string says) =>
            Assert.Contains(says, (await Assert.ThrowsAsync<CriaException>(() => client.GetResponseAsync("Hello", options, TestContext.Current.CancellationToken))).Message);
    }

    [Fact]
    public async Task ABegunCallIsGoneOnWithUnderTheGuard()
    {
        using var client = Pocket();
        var options = new ChatOptions { Tools = [Weather], Temperature = 1.5f, Seed = 1, MaxOutputTokens = 40, AdditionalProperties = new() { [CriaChatClient.ContinueFinalMessage] = true } };
        var response = await client.GetResponseAsync([new(ChatRole.User, "Weather?"), new(ChatRole.Assistant, "[get_weather(days=")], options, TestContext.Current.CancellationToken);
        var call = response.Messages[0].Contents.OfType<FunctionCallContent>().First();
        Assert.InRange((long)call.Arguments!["days"]!, 1, 9);
        var error = await Assert.ThrowsAsync<CriaException>(() => client.GetResponseAsync([new(ChatRole.User, "Weather?"), new(ChatRole.Assistant, "[get_time(")], options, TestContext.Current.CancellationToken));
        Assert.Contains("get_time", error.Message);
    }

    [Fact]
    public async Task TheMiddlewareRunsARequiredCallAndTellsItsResult()
    {
        var asked = new List<string>();
        [Description("Get the weather of a city")]
        string GetWeather([Description("The city")] string city)
        {
            asked.Add(city);
            return "21 C, sunny";
        }
        using var client = Pocket().AsBuilder().UseFunctionInvocation().Build();
        foreach (var mode in new ChatToolMode?[] { null, ChatToolMode.Auto, ChatToolMode.RequireAny, ChatToolMode.RequireSpecific("get_weather") })
        {
            asked.Clear();
            var options = new ChatOptions { Temperature = 0, ToolMode = mode, Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")] };
            var response = await client.GetResponseAsync("What is the weather in Rome?", options, TestContext.Current.CancellationToken);
            Assert.Equal(["Rome"], asked);
            Assert.Equal("It is sunny in Rome with 21 C.", response.Text);
        }
        asked.Clear();
        var none = new ChatOptions { Temperature = 0, ToolMode = ChatToolMode.None, Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")] };
        await client.GetResponseAsync("What is the weather in Rome?", none, TestContext.Current.CancellationToken);
        Assert.Empty(asked);
    }

    static string Signature(Random random)
    {
        var properties = Enumerable.Range(0, random.Next(4)).Select(i => (Name: $"p{i}", IsRequired: random.Next(2) == 0)).ToList();
        return $$$"""{"type":"object","properties":{{{{string.Join(',', properties.Select(p => $"\"{p.Name}\":{TestSchemas.Random(random, 1)}"))}}}},"required":[{{{string.Join(',', properties.Where(p => p.IsRequired).Select(p => $"\"{p.Name}\""))}}}]}""";
    }

    static CriaChatClient Pocket(ChatStyle style = ChatStyle.Meta, ToolFormat format = ToolFormat.Pythonic) => CriaChatClient.Load("pocket", new() { Style = style, ToolFormat = format, Date = "1 May 2025" });

    static AIFunctionDeclaration Tool(string name, string schema, bool isStrict = false) =>
        ChatJson.ReadTools(JsonElement.Parse($$$"""[{"type":"function","function":{"name":"{{{name}}}","description":"What {{{name}}} does","parameters":{{{schema}}},"strict":{{{(isStrict ? "true" : "false")}}}}}]"""))[0];
}
