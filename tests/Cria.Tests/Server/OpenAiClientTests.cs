using System.ClientModel;
using System.Text;
using System.Text.Json;
using Cria.Chat;
using Cria.Tokenization;
using OpenAI.Chat;
using Ai = Microsoft.Extensions.AI;

namespace Cria.Tests.Server;

/// <summary>OpenAI's own .NET client against the server.</summary>
public sealed class OpenAiClientTests(RunningServer server) : IClassFixture<RunningServer>
{
    public const string PersonSchema = """{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","age"],"additionalProperties":false}""";

    const string Question = "Who are you?";

    static readonly ChatCompletionOptions Greedy = new() { Temperature = 0, MaxOutputTokenCount = 24 };

    [Fact]
    public async Task AnswersAreThoseOfTheEngine()
    {
        using var client = CriaChatClient.Load("pocket");
        var expected = await client.GetResponseAsync([new(Ai.ChatRole.System, "Be brief."), new(Ai.ChatRole.User, Question)], new() { Temperature = 0, MaxOutputTokens = 24 });

        ChatCompletion answer = await server.Chat().CompleteChatAsync([new DeveloperChatMessage("Be brief."), new UserChatMessage(Question)], Greedy);

        Assert.Equal(expected.Text, answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal(expected.Usage!.InputTokenCount, answer.Usage.InputTokenCount);
        Assert.Equal(expected.Usage.OutputTokenCount, answer.Usage.OutputTokenCount);
        Assert.Equal("pocket", answer.Model);
    }

    [Fact]
    public async Task AStreamSaysWhatTheWholeAnswerSays()
    {
        ChatCompletion whole = await server.Chat().CompleteChatAsync([new UserChatMessage(Question)], Greedy);
        var text = new StringBuilder();
        ChatFinishReason? finish = null;
        ChatTokenUsage? usage = null;
        var pieces = 0;
        await foreach (var update in server.Chat().CompleteChatStreamingAsync([new UserChatMessage(Question)], Greedy))
        {
            pieces += update.ContentUpdate.Count;
            text.AppendJoin("", update.ContentUpdate.Select(p => p.Text));
            finish = update.FinishReason ?? finish;
            usage = update.Usage ?? usage;
        }
        Assert.Equal(whole.Content[0].Text, text.ToString());
        Assert.True(pieces > 5);
        Assert.Equal(whole.FinishReason, finish);
        Assert.Equal(whole.Usage.TotalTokenCount, usage!.TotalTokenCount);
    }

    [Fact]
    public async Task LogProbabilitiesComeWithTheirAlternatives()
    {
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 4, IncludeLogProbabilities = true, TopLogProbabilityCount = 3 };
        ChatCompletion answer = await server.Chat().CompleteChatAsync([new UserChatMessage(Question)], options);
        Assert.Equal(4, answer.ContentTokenLogProbabilities.Count);
        Assert.Equal(answer.Content[0].Text, string.Concat(answer.ContentTokenLogProbabilities.Select(t => t.Token)));
        Assert.All(answer.ContentTokenLogProbabilities, t =>
        {
            Assert.Equal(3, t.TopLogProbabilities.Count);
            Assert.Equal(t.LogProbability, t.TopLogProbabilities[0].LogProbability); // greedy
            Assert.Equal(t.Token, Encoding.UTF8.GetString(t.Utf8Bytes!.Value.Span));
        });
    }

    [Fact]
    public async Task ASeedWritesTheSameTextAndStopsEndIt()
    {
        var options = new ChatCompletionOptions { Temperature = 1.5f, MaxOutputTokenCount = 16, FrequencyPenalty = 0.1f, PresencePenalty = 0.1f, Seed = 7 };
        ChatCompletion first = await server.Chat().CompleteChatAsync([new UserChatMessage(Question)], options);
        ChatCompletion second = await server.Chat().CompleteChatAsync([new UserChatMessage(Question)], options);
        Assert.Equal(first.Content[0].Text, second.Content[0].Text);

        ChatCompletion cut = await server.Chat().CompleteChatAsync([new UserChatMessage(Question)], new ChatCompletionOptions { Temperature = 0, StopSequences = { "pocket" } });
        Assert.Equal("I am ", cut.Content[0].Text);
    }

    [Fact]
    public async Task ABiasForbidsATokenOrForcesIt()
    {
        using var client = CriaChatClient.Load("pocket");
        var id = Ai.ChatClientExtensions.GetService<Tokenizer>(client)!.Encode("zz")[0];
        ChatCompletion answer = await server.Chat().CompleteChatAsync([new UserChatMessage(Question)], new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 2, LogitBiases = { [id] = 100 } });
        Assert.StartsWith("z", answer.Content[0].Text);
    }

    [Fact]
    public async Task ToolsAreCalledAndTheirResultsRead()
    {
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 64 };
        options.Tools.Add(ChatTool.CreateFunctionTool("get_weather", "The weather in a city", BinaryData.FromString(
            """{"type":"object","properties":{"city":{"type":"string","description":"The city"}},"required":["city"]}""")));
        List<ChatMessage> dialogue = [new UserChatMessage("What is the weather in Rome?")];
        ChatCompletion asked = await server.Chat().CompleteChatAsync(dialogue, options);
        Assert.Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
        var call = Assert.Single(asked.ToolCalls);
        Assert.Equal("get_weather", call.FunctionName);
        Assert.Equal("""{"city":"Rome"}""", call.FunctionArguments.ToString().Replace(" ", ""));

        var streamed = new List<StreamingChatToolCallUpdate>();
        await foreach (var update in server.Chat().CompleteChatStreamingAsync(dialogue, options))
            streamed.AddRange(update.ToolCallUpdates);
        Assert.Equal(call.FunctionArguments.ToString(), string.Concat(streamed.Select(u => u.FunctionArgumentsUpdate?.ToString())));

        dialogue.AddRange([new AssistantChatMessage(asked), new ToolChatMessage(call.Id, """{"sky":"sunny","degrees":31}""")]);
        ChatCompletion told = await server.Chat().CompleteChatAsync(dialogue, options);
        Assert.Equal(ChatFinishReason.Stop, told.FinishReason);
        Assert.NotEmpty(told.Content[0].Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [InlineData(null)]
    public async Task AnswersAreOfTheSchemaThatIsAskedFor(bool? isStrict)
    {
        var options = new ChatCompletionOptions { Temperature = 1.5f, Seed = 3, MaxOutputTokenCount = 100, ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("person", BinaryData.FromString(PersonSchema), null, isStrict) };
        ChatCompletion answer = await server.Chat().CompleteChatAsync([new UserChatMessage(Question)], options);
        AssertPerson(answer.Content[0].Text);
        var text = new StringBuilder();
        await foreach (var update in server.Chat().CompleteChatStreamingAsync([new UserChatMessage(Question)], options))
            text.AppendJoin("", update.ContentUpdate.Select(p => p.Text));
        Assert.Equal(answer.Content[0].Text, text.ToString());

        options.ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("person", BinaryData.FromString("""{"type":"object","properties":{"n":{"type":"strange"}}}"""), null, isStrict);
        var refused = await Assert.ThrowsAsync<ClientResultException>(() => server.Chat().CompleteChatAsync([new UserChatMessage(Question)], options));
        Assert.Equal(400, refused.Status);
        Assert.Contains("/properties/n/type", refused.Message);
    }

    [Fact]
    public async Task AnyJsonCanBeAskedFor()
    {
        ChatCompletion answer = await server.Chat().CompleteChatAsync([new UserChatMessage(Question)], new ChatCompletionOptions { Temperature = 1.5f, Seed = 3, MaxOutputTokenCount = 60, ResponseFormat = ChatResponseFormat.CreateJsonObjectFormat() });
        Assert.Equal(JsonValueKind.Object, JsonElement.Parse(answer.Content[0].Text).ValueKind);
    }

    /// <summary>JSON of the schema.</summary>
    internal static void AssertPerson(string text)
    {
        var person = JsonElement.Parse(text);
        Assert.Equal(["name", "age"], person.EnumerateObject().Select(p => p.Name));
        Assert.Equal(JsonValueKind.String, person.GetProperty("name").ValueKind);
        Assert.InRange(person.GetProperty("age").GetInt32(), 0, 150);
    }

    [Fact]
    public async Task EmbeddingsAreThoseOfTheEngine()
    {
        using var engine = CriaEmbeddingGenerator.Load("pocket");
        var client = server.OpenAI().GetEmbeddingClient("pocket");
        var expected = await engine.GenerateAsync([Question, "A story"]);
        var given = (await client.GenerateEmbeddingsAsync([Question, "A story"])).Value;
        Assert.Equal(expected.Select(e => e.Vector.ToArray()), given.Select(e => e.ToFloats().ToArray()));
        Assert.Equal(expected.Usage!.InputTokenCount, given.Usage.InputTokenCount);
        Assert.Equal(given.Usage.InputTokenCount, given.Usage.TotalTokenCount);

        var tokenizer = Ai.EmbeddingGeneratorExtensions.GetService<Tokenizer>(engine)!;
        var ids = await client.GenerateEmbeddingsAsync((ReadOnlyMemory<int>[])[new([tokenizer.BosId, .. tokenizer.Encode(Question)])]);
        Assert.Equal(expected[0].Vector.ToArray(), ids.Value[0].ToFloats().ToArray());
        var cut = await Assert.ThrowsAsync<ClientResultException>(() => client.GenerateEmbeddingAsync(Question, new() { Dimensions = 8 }));
        Assert.Equal(400, cut.Status);
    }

    [Fact]
    public async Task ErrorsReachTheClientWithTheirStatus()
    {
        var none = await Assert.ThrowsAsync<ClientResultException>(() => server.Chat("gpt-0").CompleteChatAsync(new UserChatMessage(Question)));
        Assert.Equal(404, none.Status);
        Assert.Contains("gpt-0", none.Message);
        var hot = await Assert.ThrowsAsync<ClientResultException>(() => server.Chat().CompleteChatAsync([new UserChatMessage(Question)], new ChatCompletionOptions { Temperature = -1 }));
        Assert.Equal(400, hot.Status);
        var longest = await Assert.ThrowsAsync<ClientResultException>(() => server.Chat().CompleteChatAsync(new UserChatMessage(new string('?', 100_000))));
        Assert.Equal(400, longest.Status);
        Assert.Contains("4096", longest.Message);
    }

    [Fact]
    public async Task ModelsAreListed()
    {
        var models = server.OpenAI().GetOpenAIModelClient();
        Assert.Equal(["pocket"], (await models.GetModelsAsync()).Value.Select(m => m.Id));
        Assert.Equal("cria", (await models.GetModelAsync("pocket")).Value.OwnedBy);
    }
}
