using Cria.Chat;
using Cria.Cli.Commands;
using Cria.Generation;
using Cria.Models;
using Cria.Tests.Images;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

/// <summary>Images in the messages of a tiny random vision model.</summary>
public sealed class ChatImagesTests : IDisposable
{
    static readonly DataContent Photo = new(TestImages.Png(30, 20), "image/png"), Other = new(TestImages.Bmp(20, 40), "image/bmp");

    static readonly ChatOptions Options = new() { MaxOutputTokens = 8, Temperature = 0, AdditionalProperties = new() { ["logprobs"] = true } };

    readonly TestModel _files = TestModels.Write(new() { WithTokenizer = true, Layers = 4, CrossLayers = [1, 3], MaxPositions = 400 });
    readonly CriaChatClient _client;

    public ChatImagesTests() => _client = CriaChatClient.Load(_files.Path, new() { DropOldest = true });

    public void Dispose()
    {
        _client.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task AnAnswerIsThatOfTheGeneratorWithTheTilesOfTheMessages()
    {
        List<ChatMessage> dialogue = [new(ChatRole.System, "Be brief."), new(ChatRole.User, [Photo, new TextContent("hello")]), new(ChatRole.Assistant, "her"), new(ChatRole.User, [new TextContent("and"), Other])];
        var prompt = _client.Render(dialogue, Options);
        Assert.Equal(2, prompt.Parts.Count(p => p is { IsControl: true, Text: Prompt.Image }));
        Assert.Contains("Be brief.", prompt.Text);
        var transform = _client.GetService<TextModel>()!.ImageTransform!;
        var expected = new List<(int, float?)>();
        await foreach (var token in _client.GetService<Generator>()!.GenerateAsync(prompt.Encode(_client.GetService<Tokenizer>()!), new()
        {
            MaxTokens = 8,
            Temperature = 0,
            TopLogProbs = 0,
            Images = [transform.Apply(Photo.Data.Span, "photo"), transform.Apply(Other.Data.Span, "other")],
        }, TestContext.Current.CancellationToken))
            expected.Add((token.Id, token.LogProb));
        Assert.Equal(expected, await TokensAsync(dialogue));
    }

    [Fact]
    public async Task AnotherImageIsAnotherAnswer() =>
        Assert.NotEqual(await TokensAsync([new(ChatRole.User, [Photo, new TextContent("hello")])]), await TokensAsync([new(ChatRole.User, [Other, new TextContent("hello")])]));

    [Fact]
    public async Task ProgressIsToldWhileImagesAreReadAndOnlyThen()
    {
        List<ChatMessage> dialogue = [new(ChatRole.User, [Photo, Other, new TextContent("hello")])];
        var first = await AskAsync();
        Assert.True(first.Parts.Count > 10);
        Assert.Equal(first.Parts.Order(), first.Parts);
        Assert.InRange(first.Parts[0], 0.001, 0.3);
        Assert.Equal(1, first.Parts[^1]);
        Assert.Equal(2, first.Timings.ImagesRead);
        Assert.InRange(first.Timings.ReadingImages, TimeSpan.FromTicks(1), first.Timings.Waiting);

        dialogue.Add(new(ChatRole.Assistant, "her"));
        dialogue.Add(new(ChatRole.User, "and"));
        var second = await AskAsync();
        Assert.Empty(second.Parts);
        Assert.Equal((0, TimeSpan.Zero), (second.Timings.ImagesRead, second.Timings.ReadingImages));

        async Task<(List<double> Parts, GenerationTimings Timings)> AskAsync()
        {
            var parts = new Parts();
            var response = await _client.GetResponseAsync(dialogue, new() { MaxOutputTokens = 2, AdditionalProperties = new() { [CriaChatClient.ImageProgress] = parts } }, TestContext.Current.CancellationToken);
            return (parts, (GenerationTimings)response.AdditionalProperties![CriaChatClient.Timings]!);
        }
    }

    sealed class Parts : List<double>, IProgress<double>
    {
        public void Report(double value) => Add(value);
    }

    /// <summary>The images of turns that are left out are left out too.</summary>
    [Fact]
    public async Task OldestTurnsAreDroppedWithTheirImages()
    {
        List<ChatMessage> turns = [new(ChatRole.User, [Photo, new TextContent(new string('x', 300))]), new(ChatRole.Assistant, "her"), new(ChatRole.User, [Other, new TextContent(new string('y', 200))])];
        var response = await _client.GetResponseAsync(turns, Options, TestContext.Current.CancellationToken);
        Assert.Equal(2, response.AdditionalProperties![CriaChatClient.DroppedMessages]);
        Assert.Equal(await TokensAsync([turns[2]]), Tokens(response));
    }

    [Fact]
    public async Task WhatIsNoImageOfTheUserIsRefused()
    {
        await FailsAsync("is not fetched", new ChatMessage(ChatRole.User, [new UriContent("https://example.org/a.png", "image/png")]));
        await FailsAsync("no image", new ChatMessage(ChatRole.User, [new DataContent("data:text/plain,a")]));
        await FailsAsync("assistant holds an image", new ChatMessage(ChatRole.Assistant, [Photo]), new ChatMessage(ChatRole.User, "hello"));
        await FailsAsync("image 2 of 2: no PNG", new ChatMessage(ChatRole.User, [Photo, new DataContent(new byte[9], "image/png")]));
        await FailsAsync("photo.png: no PNG", new ChatMessage(ChatRole.User, [new DataContent(new byte[9], "image/png") { Name = "photo.png" }]));

        async Task FailsAsync(string problem, params ChatMessage[] messages) =>
            Assert.Contains(problem, (await Assert.ThrowsAsync<CriaException>(() => _client.GetResponseAsync(messages, Options, TestContext.Current.CancellationToken))).Message);
    }

    [Fact]
    public async Task ATerminalGivesPicturesWithTheNextMessageAndASessionKeepsThem()
    {
        File.WriteAllBytes(_files.File("photo.png"), Photo.Data.ToArray());
        var (output, notes, file) = (new StringWriter(), new StringWriter(), _files.File("session.json"));
        var options = new ChatOptions { MaxOutputTokens = 8, Temperature = 0, AdditionalProperties = new() { ["logprobs"] = true } };
        new ChatTerminal(new ChatSession(_client, options, [], file), new StringReader($"/image {_files.File("photo.png")}\n/image nowhere.png\nhello\nand?"), output, notes).Converse();
        Assert.Contains("nowhere.png", Assert.Single(notes.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        var kept = new ChatSession(_client, options, [], file).Messages;
        Assert.Equal([ChatRole.User, ChatRole.Assistant, ChatRole.User, ChatRole.Assistant], kept.Select(m => m.Role));
        Assert.Equal(Photo.Data.ToArray(), Assert.Single(kept.SelectMany(m => m.Contents).OfType<DataContent>()).Data.ToArray());
        Assert.Equal("hello", kept[0].Text);
        Assert.StartsWith(await TextAsync([new(ChatRole.User, [Photo, new TextContent("hello")])]), output.ToString());
    }

    async Task<List<(int Id, float? LogProb)>> TokensAsync(List<ChatMessage> dialogue) => Tokens(await _client.GetResponseAsync(dialogue, Options, TestContext.Current.CancellationToken));

    async Task<string> TextAsync(List<ChatMessage> dialogue) => (await _client.GetResponseAsync(dialogue, Options, TestContext.Current.CancellationToken)).Text;

    static List<(int Id, float? LogProb)> Tokens(ChatResponse response) => ((IEnumerable<GeneratedToken>)response.AdditionalProperties![CriaChatClient.LogProbs]!).Select(t => (t.Id, t.LogProb)).ToList();
}
