using Cria.Chat;
using Cria.Generation;
using Cria.Models;
using Cria.Tests.Images;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

/// <summary>Texts and answers scored by a chat client.</summary>
public sealed class ClientScoringTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new() { WithTokenizer = true, Layers = 3, CrossLayers = [1], MaxPositions = 500 });
    readonly CriaChatClient _client;
    readonly Tokenizer _tokenizer;
    readonly Generator _generator;

    public ClientScoringTests()
    {
        _client = CriaChatClient.Load(_files.Path);
        (_tokenizer, _generator) = (_client.GetService<Tokenizer>()!, _client.GetService<Generator>()!);
    }

    public void Dispose()
    {
        _client.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task ATextIsScoredBehindOneBosAndItsControlTokensStayText()
    {
        var scores = await _client.ScoreAsync("<|image|><|eot_id|> th", ["\n", " wor"], cancellationToken: TestContext.Current.CancellationToken);
        var tokens = _tokenizer.Encode("<|image|><|eot_id|> th");
        Assert.Equal(await ScoreAsync(
            new([_tokenizer.BosId, .. tokens], _tokenizer.Encode("\n")),
            new([_tokenizer.BosId, .. tokens], _tokenizer.Encode(" wor"))), scores.Select(s => s.LogProb));
        Assert.Equal(["\n", " wor"], scores.Select(s => s.Text));
        var whole = Assert.Single(await _client.ScoreAsync("", ["hello"], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(await ScoreAsync(new ScoringText([_tokenizer.BosId], _tokenizer.Encode("hello"))), [whole.LogProb]);
    }

    [Fact]
    public async Task ImagesStandBeforeTheContextOrWhereItSays()
    {
        DataContent[] images = [new(TestImages.Png(30, 20), "image/png"), new(TestImages.Bmp(20, 40), "image/bmp")];
        var image = _client.GetService<TextModel>()!.Config.ImageTokenId!.Value;
        ImageTiles[] tiles = [.. images.Select(i => _client.GetService<TextModel>()!.ImageTransform!.Apply(i.Data.Span, "x"))];
        int[] hell = _tokenizer.Encode("hell"), or = _tokenizer.Encode("or"), her = _tokenizer.Encode("her");
        Assert.Equal(await ScoreAsync(new ScoringText([_tokenizer.BosId, image, image, .. hell], or) { Images = tiles }),
            (await _client.ScoreAsync("hell", ["or"], images, cancellationToken: TestContext.Current.CancellationToken)).Select(s => s.LogProb));
        Assert.Equal(await ScoreAsync(new ScoringText([_tokenizer.BosId, image, .. her, image, .. hell], or) { Images = tiles }),
            (await _client.ScoreAsync("<|image|>her<|image|>hell", ["or"], images, cancellationToken: TestContext.Current.CancellationToken)).Select(s => s.LogProb));
        List<ChatMessage> dialogue = [new(ChatRole.User, [images[1], new TextContent("hello")])];
        Assert.Equal(await ScoreAsync(new ScoringText(_client.Render(dialogue).Encode(_tokenizer), or) { Images = tiles[1..] }),
            (await _client.ScoreAsync(dialogue, ["or"], cancellationToken: TestContext.Current.CancellationToken)).Select(s => s.LogProb));
    }

    /// <summary>What an assistant has begun to say and how it goes on are one text.</summary>
    [Fact]
    public async Task AnAnswerGoesOnWithTheWordsOfTheAssistant()
    {
        List<ChatMessage> dialogue = [new(ChatRole.User, "hello"), new(ChatRole.Assistant, "th wor ")];
        int[] prompt = _client.Render(dialogue).Encode(_tokenizer);
        Assert.Equal(_tokenizer.Encode(" wor "), prompt[^2..]);
        Assert.Equal(await ScoreAsync(new ScoringText(prompt[..^1], _tokenizer.Encode(" wor"))),
            (await _client.ScoreAsync(dialogue, ["wor"], cancellationToken: TestContext.Current.CancellationToken)).Select(s => s.LogProb));
    }

    [Fact]
    public async Task WhatCannotBeScoredIsOneError()
    {
        await Fails("text 1 has no continuation", () => _client.ScoreAsync("hello", ["x", ""], cancellationToken: TestContext.Current.CancellationToken));
        await Fails("does not fit the model's context of 500", () => _client.ScoreAsync(new string('x', 500), ["y"], cancellationToken: TestContext.Current.CancellationToken));
        await Fails("image 1 of 1", () => _client.ScoreAsync("", ["y"], [new(new byte[9], "image/png")], cancellationToken: TestContext.Current.CancellationToken));
        await Fails("3 image tokens", () => _client.ScoreAsync("<|image|><|image|><|image|>", ["y"], [new(TestImages.Png(3, 2), "image/png")], cancellationToken: TestContext.Current.CancellationToken));
        using var files = TestModels.Write(new() { WithTokenizer = true });
        using var text = CriaChatClient.Load(files.Path);
        await Fails("the model takes no images", () => text.ScoreAsync("", ["y"], [new(TestImages.Png(3, 2), "image/png")], cancellationToken: TestContext.Current.CancellationToken));

        static async Task Fails(string says, Func<Task> score) => Assert.Contains(says, (await Assert.ThrowsAsync<CriaException>(score)).Message);
    }

    async Task<IEnumerable<double>> ScoreAsync(params ScoringText[] texts) =>
        (await _generator.ScoreAsync(texts, cancellation: TestContext.Current.CancellationToken)).Select(s => s.LogProb);
}
