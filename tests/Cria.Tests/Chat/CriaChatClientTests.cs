using System.Text.Json;
using Cria.Chat;
using Cria.Formats;
using Cria.Generation;
using Cria.Tokenization;
using CsCheck;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

public sealed class CriaChatClientTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { WithTokenizer = true, MaxPositions = 2048 });
    readonly CriaChatClient _client;

    public CriaChatClientTests() => _client = CriaChatClient.Load(_files.Path);

    public void Dispose()
    {
        _client.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task StreamedPiecesJoinedAreTheWholeAnswer()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var options = new ChatOptions { Temperature = 1.5f, Seed = seed, MaxOutputTokens = 40 };
            var whole = await Ask("Hello", options);
            var updates = await _client.GetStreamingResponseAsync("Hello", options, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
            Assert.Equal(whole.Text, string.Concat(updates.Select(u => u.Text)));
            Assert.All(updates, u => Assert.Equal((ChatRole.Assistant, updates[0].ResponseId), (u.Role, u.ResponseId)));
            Assert.All(updates.SkipLast(1), u => Assert.Null(u.FinishReason));
            Assert.Equal(whole.FinishReason, updates[^1].FinishReason);
        }
    }

    [Fact]
    public async Task UsageCountsThePromptAndTheAnswer()
    {
        List<ChatMessage> dialogue = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Hello"), new(ChatRole.Assistant, "Hi"), new(ChatRole.User, "hell or world")];
        var response = await _client.GetResponseAsync(dialogue, new() { MaxOutputTokens = 7, Temperature = 1.5f, Seed = 1, AdditionalProperties = new() { ["logprobs"] = 2 } }, TestContext.Current.CancellationToken);
        var tokenizer = _client.GetService<Tokenizer>()!;
        var prompt = ChatFormat.Render(dialogue, new ChatFormatOptions()).Encode(tokenizer);
        var tokens = Assert.IsType<List<GeneratedToken>>(response.AdditionalProperties![CriaChatClient.LogProbs]);
        Assert.Equal(prompt.Length, response.Usage!.InputTokenCount);
        Assert.Equal(tokens.Count, response.Usage.OutputTokenCount);
        Assert.Equal(prompt.Length + tokens.Count, response.Usage.TotalTokenCount);
        Assert.Equal(response.Text, string.Concat(tokens.Select(t => t.Text)));
        Assert.All(tokens, t => Assert.Equal(2, t.TopLogProbs.Count));
        Assert.Equal(tokens.Count == 7 && tokens[^1].Finish == Cria.Generation.FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task UsageAndTimingsTellWhatAnEarlierPromptHadRead()
    {
        var first = await Ask("Hello again and again", new() { MaxOutputTokens = 3 });
        var whole = await Ask("Hello again and again", new() { MaxOutputTokens = 3 });
        var updates = await _client.GetStreamingResponseAsync("Hello again and again", new() { MaxOutputTokens = 3 }, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0, whole.Usage!.InputTokenCount - 1), (first.Usage!.CachedInputTokenCount, whole.Usage.CachedInputTokenCount));
        foreach (var properties in new[] { whole.AdditionalProperties, updates[^1].AdditionalProperties })
        {
            var timings = Assert.IsType<GenerationTimings>(properties![CriaChatClient.Timings]);
            Assert.Equal(whole.Usage.CachedInputTokenCount, timings.CachedTokens);
            Assert.True(timings.Reading > TimeSpan.Zero);
        }
        Assert.DoesNotContain(CriaChatClient.Timings, whole.Messages[0].AdditionalProperties?.Keys ?? []);
    }

    [Theory]
    [InlineData("[f(x=1)]", true)]
    [InlineData("[1, 2 f]", false)]
    public async Task CallsOfOfferedToolsBecomeContentsAndOtherTextStaysText(string reply, bool isCall)
    {
        // Biases in falling order, and a penalty that outdoes them all, make the model write these characters one after another.
        var tokenizer = _client.GetService<Tokenizer>()!;
        var script = tokenizer.Encode(reply).Distinct().Append(tokenizer.EotId).ToList();
        var options = new ChatOptions
        {
            Temperature = 0,
            PresencePenalty = 100_000,
            AdditionalProperties = new() { ["logit_bias"] = script.Select((id, n) => (id, n)).ToDictionary(x => x.id, x => 10_000f - 100 * x.n) },
            Tools = [AIFunctionFactory.Create((int x) => x, "f", "What f does")],
        };
        reply = tokenizer.Decode([.. script.SkipLast(1)]);
        var response = await Ask("Call it.", options);
        var updates = await _client.GetStreamingResponseAsync("Call it.", options, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        foreach (var (contents, finish) in new[] { (response.Messages[0].Contents, response.FinishReason), (updates.SelectMany(u => u.Contents), updates[^1].FinishReason) })
        {
            var call = contents.OfType<FunctionCallContent>().SingleOrDefault();
            Assert.Equal(isCall ? ("f", 1L) : (null, null), (call?.Name, call?.Arguments?["x"]));
            Assert.Equal(isCall ? "" : reply, string.Concat(contents.OfType<TextContent>()));
            Assert.Equal(isCall ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop, finish);
        }
        options.Tools = null;
        Assert.Equal((reply, ChatFinishReason.Stop), ((await Ask("Call it.", options)).Text, (await Ask("Call it.", options)).FinishReason));
    }

    [Fact]
    public async Task AnAssistantsLastMessageIsGoneOnWith()
    {
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 12 };
        var whole = await Ask("Hello", options);
        var given = whole.Text[..(whole.Text.Length / 2)];
        List<ChatMessage> dialogue = [new(ChatRole.User, "Hello"), new(ChatRole.Assistant, given)];
        var open = _client.Render(dialogue, options).Text;
        Assert.EndsWith($"assistant<|end_header_id|>\n\n{given}", open);
        Assert.Equal(_client.Render([dialogue[0]]).Text + given, open);
        Assert.Equal(_client.CountTokens(dialogue, options), (await _client.GetResponseAsync(dialogue, options, TestContext.Current.CancellationToken)).Usage!.InputTokenCount);
        options.AdditionalProperties = new() { [CriaChatClient.ContinueFinalMessage] = true };
        Assert.Equal(open, _client.Render(dialogue, options).Text);
        await Assert.ThrowsAsync<CriaException>(() => Ask("Hello", options));
        options.AdditionalProperties[CriaChatClient.ContinueFinalMessage] = false;
        Assert.EndsWith($"{given}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", _client.Render(dialogue, options).Text);
    }

    [Fact]
    public void WhatTheTemplateCannotExpressIsWrittenInMetaStyle()
    {
        File.Copy(TestFiles.Golden("templates", "llama-3.2-instruct.chat_template.jinja"), _files.File("chat_template.jinja"));
        using var client = CriaChatClient.Load(_files.Path);
        List<ChatMessage> dialogue = [new(ChatRole.User, "Hi"), new(ChatRole.Assistant, [new FunctionCallContent("a", "f"), new FunctionCallContent("b", "g")]),
            new(ChatRole.Tool, [new FunctionResultContent("a", 1), new FunctionResultContent("b", 2)])];
        Assert.Contains("[f()][g()]<|eot_id|><|start_header_id|>ipython<|end_header_id|>\n\n1<|eot_id|>", client.Render(dialogue).Text);
        Assert.DoesNotContain("Cutting Knowledge", client.Render(dialogue).Text);
    }

    [Fact]
    public void BuiltinToolsAreOfferedByName()
    {
        using var client = CriaChatClient.Load(_files.Path, new() { ToolFormat = ToolFormat.Json, Date = "1 May 2025" });
        var prompt = client.Render([new(ChatRole.User, "Hi")], new() { Tools = [AIFunctionFactory.Create((string query) => query, "brave_search"), AIFunctionFactory.Create((int x) => x, "f", "What f does")] });
        Assert.Contains("Environment: ipython\nTools: brave_search\nCutting Knowledge Date: December 2023\nToday Date: 1 May 2025\n", prompt.Text);
        Assert.Contains("\"name\": \"f\",", prompt.Text);
        Assert.DoesNotContain("\"brave_search\"", prompt.Text);
    }

    [Fact]
    public async Task InstructionsStandAtTheHeadOfTheSystemMessage()
    {
        var given = await Ask("Hello", new() { Instructions = "Be kind.", MaxOutputTokens = 8 });
        var same = await _client.GetResponseAsync([new(ChatRole.System, "Be kind."), new(ChatRole.User, "Hello")], new() { MaxOutputTokens = 8 }, TestContext.Current.CancellationToken);
        Assert.Equal((same.Text, same.Usage!.InputTokenCount), (given.Text, given.Usage!.InputTokenCount));
    }

    [Fact]
    public async Task GenerationConfigGivesTheDefaults()
    {
        using var files = TestModels.Write(new TestShape { WithTokenizer = true });
        File.WriteAllText(files.File("generation_config.json"), """{"do_sample":true,"temperature":1.5,"top_p":0.8,"eos_token_id":[275]}""");
        using var client = CriaChatClient.Load(files.Path);
        var byDefault = await client.GetResponseAsync("Hello", new() { Seed = 3, MaxOutputTokens = 30 }, TestContext.Current.CancellationToken);
        var spelledOut = await Ask("Hello", new() { Seed = 3, MaxOutputTokens = 30, Temperature = 1.5f, TopP = 0.8f });
        Assert.Equal(spelledOut.Text, byDefault.Text);
    }

    [Fact]
    public async Task AModelWithATemplateIsAskedInItsStyle()
    {
        File.Copy(TestFiles.Golden("templates", "llama-3.2-instruct.chat_template.jinja"), _files.File("chat_template.jinja"));
        using var client = CriaChatClient.Load(_files.Path, new() { Date = "26 Jul 2024" });
        using var meta = CriaChatClient.Load(_files.Path, new() { Style = ChatStyle.Meta });
        var tokens = async (CriaChatClient c) => (await c.GetResponseAsync("Hi", new() { MaxOutputTokens = 1 }, TestContext.Current.CancellationToken)).Usage!.InputTokenCount;
        var expected = ChatFormat.Render([new(ChatRole.User, "Hi")], new() { Style = ChatStyle.HuggingFace32, Date = "26 Jul 2024" }).Encode(client.GetService<Tokenizer>()!);
        Assert.Equal(expected.Length, await tokens(client));
        Assert.True(await tokens(meta) < expected.Length);
    }

    [Fact]
    public async Task WhatCannotBeHonouredIsAnError()
    {
        async Task Fails(string says, ChatOptions options, params ChatMessage[] messages)
        {
            ChatMessage[] dialogue = messages.Length > 0 ? messages : [new(ChatRole.User, "Hello")];
            var error = await Assert.ThrowsAsync<CriaException>(() => _client.GetResponseAsync(dialogue, options, TestContext.Current.CancellationToken));
            Assert.Contains(says, error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }
        await Fails("ConversationId", new() { ConversationId = "x" });
        await Fails("ToolMode", new() { ToolMode = ChatToolMode.RequireAny });
        await Fails("not a function", new() { Tools = [new HostedWebSearchTool()] });
        await Fails("Reasoning", new() { Reasoning = new() { Effort = ReasoningEffort.High } });
        await Fails("continue_final_message", new() { AdditionalProperties = new() { ["continue_final_message"] = true } });
        await Fails("temperature", new() { Temperature = -1 });
        await Fails("max_tokens", new() { MaxOutputTokens = 0 });
        await Fails("stop", new() { StopSequences = [""] });
        await Fails("min_p", new() { AdditionalProperties = new() { ["min_p"] = "much" } });
        await Fails("min_p", new() { AdditionalProperties = new() { ["min_p"] = 2 } });
        await Fails("logit_bias", new() { AdditionalProperties = new() { ["logit_bias"] = 5 } });
        await Fails("logit_bias names token 999999", new() { AdditionalProperties = new() { ["logit_bias"] = new Dictionary<int, float> { [999_999] = 1 } } });
        await Fails("logprobs", new() { AdditionalProperties = new() { ["logprobs"] = -1 } });
        await Fails("context of 2048", new(), new ChatMessage(ChatRole.User, new string('x', 5000)));
        await Fails("context of 2048", new() { MaxOutputTokens = 2048 });
        await Fails("image", new(), new ChatMessage(ChatRole.User, [new DataContent(new byte[1], "image/png")]));
        Assert.Contains("empty", (await Assert.ThrowsAsync<CriaException>(() => _client.GetResponseAsync([], null, TestContext.Current.CancellationToken))).Message);
        await Assert.ThrowsAsync<ArgumentNullException>(() => _client.GetResponseAsync((IEnumerable<ChatMessage>)null!, null, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void LogitBiasIsReadInEveryShape()
    {
        var expected = new Dictionary<int, float> { [5] = -100, [7] = 2.5f };
        foreach (var shape in new object[] { expected, new Dictionary<string, object?> { ["5"] = -100, ["7"] = 2.5 }, JsonElement.Parse("""{"5":-100,"7":2.5}""") })
            Assert.Equal(expected, ChatOptionsReader.Generation(new() { AdditionalProperties = new() { ["logit_bias"] = shape } }, new GenerationDefaults()).LogitBias);
    }

    [Fact]
    public void ServicesAreFound()
    {
        Assert.Equal(("cria", Path.GetFileName(_files.Path)), (_client.GetService<ChatClientMetadata>()!.ProviderName, _client.GetService<ChatClientMetadata>()!.DefaultModelId));
        Assert.Same(_client, _client.GetService<IChatClient>());
        Assert.NotNull(_client.GetService<Generator>());
        Assert.NotNull(_client.GetService<ModelConfig>());
        Assert.Null(_client.GetService<string>());
        Assert.Null(_client.GetService<IChatClient>("key"));
    }

    [Fact]
    public async Task AfterDisposeRequestsAreRefused()
    {
        _client.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _client.GetResponseAsync("Hello", null, TestContext.Current.CancellationToken));
    }

    static readonly Gen<ChatOptions> AnyOptions = Gen.Select(
        Gen.OneOf(Gen.Const((float?)null), Gen.Float.Select(f => (float?)f), Gen.Float[0, 2].Select(f => (float?)f)),
        Gen.OneOf(Gen.Const((float?)null), Gen.Float.Select(f => (float?)f), Gen.Float[0, 1].Select(f => (float?)f)),
        Gen.OneOf(Gen.Const((int?)null), Gen.Int[-2, 600].Select(i => (int?)i)),
        Gen.OneOf(Gen.Int[1, 12].Select(i => (int?)i), Gen.Int[-1, 3000].Select(i => (int?)i)),
        Gen.OneOf(Gen.Const((string[]?)null), Gen.String[0, 3].Array[0, 3].Select(s => (string[]?)s)),
        Gen.Float,
        Gen.Int[0, 9],
        (temperature, topP, topK, max, stops, number, kind) => kind == 0 ? new ChatOptions { MaxOutputTokens = 4 } : new ChatOptions
        {
            Temperature = temperature,
            TopP = topP,
            TopK = topK,
            MaxOutputTokens = max is > 40 and < 2100 ? 40 : max,
            StopSequences = stops,
            Seed = (long)topK.GetValueOrDefault() - 5,
            FrequencyPenalty = kind == 1 ? number : null,
            PresencePenalty = kind == 2 ? number : 0.5f,
            Instructions = kind == 3 ? "<|eot_id|>[f(" : null,
            ConversationId = kind == 4 ? "c" : null,
            ToolMode = kind == 5 ? ChatToolMode.RequireAny : kind == 6 ? ChatToolMode.None : null,
            Tools = kind >= 6 ? [AIFunctionFactory.Create((string city) => city, "f", "\"quoted\"")] : null,
            AdditionalProperties = kind != 7 ? null : new()
            {
                ["min_p"] = number,
                ["repetition_penalty"] = number is > 0 and < 3 ? number : 1.1,
                ["logprobs"] = topK,
                ["logit_bias"] = new Dictionary<int, float> { [max ?? 0] = number },
            },
        });

    [Fact]
    public async Task AnyOptionsGiveAnAnswerOrOneClearError() => await Gen.Select(Gen.String[0, 30], AnyOptions, Gen.Int[0, 3]).SampleAsync(async (text, options, role) =>
    {
        ChatMessage message = new(new[] { ChatRole.User, ChatRole.System, ChatRole.Tool, ChatRole.Assistant }[role], text);
        try
        {
            var response = await _client.GetResponseAsync([message], options);
            Assert.True(response.Usage!.OutputTokenCount > 0);
        }
        catch (Exception e) when (e is CriaException or ArgumentException)
        {
            Assert.DoesNotContain('\n', e.Message);
        }
    }, iter: 400);

    Task<ChatResponse> Ask(string text, ChatOptions options) => _client.GetResponseAsync(text, options, TestContext.Current.CancellationToken);
}
