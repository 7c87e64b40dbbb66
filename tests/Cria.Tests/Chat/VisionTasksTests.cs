using Cria.Chat;
using Cria.Images;
using Cria.Tests.Images;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

public sealed class VisionTasksTests
{
    static readonly DataContent Photo = new(TestImages.Png(200, 100), "image/png");

    [Theory]
    [InlineData("Two.", "Two"), InlineData(" **blue**\nBecause it is.", "blue"), InlineData("\"No smoking\"", "No smoking"), InlineData("3.14", "3.14"), InlineData("", "")]
    [InlineData("We count the bars.\nFINAL ANSWER: 17", "17"), InlineData("The answer is 4, or rather: the best answer is **B**.", "B"), InlineData("final answer is: 1,234.50.", "1,234.50")]
    public void TheAnswerIsWhatTheTextSaysItIs(string text, string answer) => Assert.Equal(answer, VisionTasks.ParseAnswer(text));

    [Fact]
    public async Task TheImageComesFirstAndTheAnswerIsShortAndGreedy()
    {
        using var client = new Echo("A dog.");
        Assert.Equal("A dog", await client.AnswerAsync(Photo, "What is this?", cancellationToken: TestContext.Current.CancellationToken));
        var (message, options) = Assert.Single(client.Asked);
        Assert.Same(Photo, message.Contents[0]);
        Assert.StartsWith("What is this?\n", message.Text);
        Assert.Equal((0f, 25), (options.Temperature, options.MaxOutputTokens));
        Assert.Equal("A dog.", await client.CaptionAsync(Photo, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal("A dog", await client.AnswerFromDocumentAsync(Photo, "Who?", cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task WhatTheCallerSaysGoesBeforeAndStaysAsItWas()
    {
        using var client = new Echo("x");
        var options = new ChatOptions { Temperature = 0.5f, MaxOutputTokens = 3 };
        await client.AnswerAsync(Photo, "What?", options, TestContext.Current.CancellationToken);
        await client.CaptionAsync(Photo, options, TestContext.Current.CancellationToken);
        Assert.All(client.Asked, a => Assert.Equal((0.5f, 3), (a.Options.Temperature, a.Options.MaxOutputTokens)));
    }

    [Fact]
    public async Task BoxesInPixelsAreThoseOfTheImage()
    {
        using var client = new Echo("dog: [20, 20, 100, 75]\ncat: [0.5, 0.5, 1, 1]");
        Assert.Equal([new GroundingBox("dog", 0.1f, 0.2f, 0.5f, 0.75f), new GroundingBox("cat", 0.5f, 0.5f, 1, 1)],
            await client.LocateAsync(Photo, "every animal", cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("every animal", client.Asked[0].Message.Text);
    }

    /// <summary>A client that always says the same.</summary>
    sealed class Echo(string text) : IChatClient
    {
        public List<(ChatMessage Message, ChatOptions Options)> Asked { get; } = [];

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            Asked.Add((messages.Single(), options!));
            return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, text)));
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            GetResponseAsync(messages, options, cancellationToken).Result.ToChatResponseUpdates().ToAsyncEnumerable();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
