using Cria.Chat;
using Cria.Models;
using Cria.Tests.Images;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

/// <summary>Texts ranked by an image and images by a text, with a tiny random vision model.</summary>
public sealed class ImageTextRankingTests : IDisposable
{
    static readonly DataContent[] Images = [new(TestImages.Png(30, 20), "image/png"), new(TestImages.Bmp(20, 40), "image/bmp"), new(TestImages.Png(9, 50), "image/png")];
    static readonly string[] Texts = ["hello wor", "th", " in her hell\n", "hello hello hello hello", "🦙"];

    readonly TestModel _files = TestModels.Write(new() { WithTokenizer = true, Layers = 3, CrossLayers = [0, 2], MaxPositions = 500 });

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task ScoresAreThoseOfTheRawLogitsWithAndWithoutTheImage()
    {
        double[][] expected; // [images][texts]
        using (var model = TextModel.Load(_files.Path))
        {
            var tokenizer = Tokenizer.Load(_files.Path);
            int image = model.Config.ImageTokenId!.Value, context = tokenizer.Encode("Caption:").Length;
            int[][] captions = [.. Texts.Select(t => tokenizer.Encode("Caption: " + t.Trim()))];
            expected = [.. Images.Select(i => captions.Select(c => LogProb(model, [tokenizer.BosId, image, .. c], 2 + context, i) - LogProb(model, [tokenizer.BosId, .. c], 1 + context, null)).ToArray())];
        }
        using var client = CriaChatClient.Load(_files.Path);
        using var decorated = new ChatClientBuilder(client).UseFunctionInvocation().Build();
        for (var i = 0; i < Images.Length; i++)
            Check(expected[i], await decorated.RankTextsAsync(Images[i], Texts, cancellationToken: TestContext.Current.CancellationToken));
        for (var t = 0; t < Texts.Length; t++)
            Check([.. expected.Select(e => e[t])], await decorated.RankImagesAsync(Texts[t], Images, cancellationToken: TestContext.Current.CancellationToken));

        static void Check(double[] expected, IReadOnlyList<ImageTextMatch> matches)
        {
            Assert.Equal(Enumerable.Range(0, expected.Length), matches.Select(m => m.Index).Order());
            Assert.All(matches, m => Assert.Equal(expected[m.Index], m.Score, 1e-4));
            Assert.All(matches, m => Assert.Equal(m.Score, m.ScorePerToken * m.Seen.Tokens.Count, 1e-9));
            Assert.Equal(matches.OrderByDescending(m => m.Score), matches);
        }
    }

    [Fact]
    public async Task TheOrderOfWhatIsRankedChangesNoScore()
    {
        using var client = CriaChatClient.Load(_files.Path);
        var (texts, turned) = (await client.RankTextsAsync(Images[0], Texts, cancellationToken: TestContext.Current.CancellationToken), await client.RankTextsAsync(Images[0], [.. Texts.Reverse()], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(texts.Select(m => (m.Index, m.Score)), turned.Select(m => (Texts.Length - 1 - m.Index, m.Score)));
        var (images, back) = (await client.RankImagesAsync(Texts[0], Images, cancellationToken: TestContext.Current.CancellationToken), await client.RankImagesAsync(Texts[0], [.. Images.Reverse()], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(images.Select(m => (m.Index, m.Score)), back.Select(m => (Images.Length - 1 - m.Index, m.Score)));
        Assert.Equal(images.OrderByDescending(m => m.Seen.LogProb), images); // a text's own likelihood is the same for all images
        Assert.Equal(texts.Single(m => m.Index == 0).Score, images.Single(m => m.Index == 0).Score);
    }

    [Fact]
    public async Task WhatCannotBeRankedIsOneError()
    {
        using var client = CriaChatClient.Load(_files.Path);
        await Fails("text 1 is empty", () => client.RankTextsAsync(Images[0], ["x", " "], cancellationToken: TestContext.Current.CancellationToken));
        await Fails("image 1 of 1", () => client.RankImagesAsync("x", [Images[0], new(new byte[9], "image/png")], cancellationToken: TestContext.Current.CancellationToken));
        await Fails("does not fit the model's context of 500", () => client.RankTextsAsync(Images[0], [new string('x', 500)], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Empty(await client.RankImagesAsync("x", [], cancellationToken: TestContext.Current.CancellationToken));
        using var files = TestModels.Write(new() { WithTokenizer = true });
        using var blind = CriaChatClient.Load(files.Path);
        await Fails("the model takes no images", () => blind.RankImagesAsync("x", Images, cancellationToken: TestContext.Current.CancellationToken));
        using var remote = new Remote();
        await Fails("the client gives no likelihoods", () => remote.RankImagesAsync("x", Images, cancellationToken: TestContext.Current.CancellationToken));

        static async Task Fails(string says, Func<Task> rank) => Assert.Contains(says, (await Assert.ThrowsAsync<CriaException>(rank)).Message);
    }

    static double LogProb(TextModel model, int[] ids, int from, DataContent? image)
    {
        using var sequence = model.CreateSequence();
        using var features = image is null ? null : model.ReadImage(model.ImageTransform!.Apply(image.Data.Span, "x"), cancellation: TestContext.Current.CancellationToken);
        if (features is not null)
            sequence.Add(features);
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Forward([.. ids.Select((id, i) => new Row(sequence, i, id, true))], logits, TestContext.Current.CancellationToken);
        return logits.Chunk(model.Config.VocabularySize).Skip(from - 1).Zip(ids.Skip(from), (row, id) => row[id] - Math.Log(row.Sum(l => Math.Exp(l)))).Sum();
    }

    /// <summary>A client that has no model on this machine.</summary>
    sealed class Remote : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new InvalidOperationException();

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new InvalidOperationException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
