using Cria.Chat;
using Cria.Generation;
using Cria.Models;
using Cria.Tokenization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Cria.Tests.Chat;

public sealed class CriaEmbeddingGeneratorTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { WithTokenizer = true, MaxPositions = 100 });
    readonly CriaChatClient _client;
    readonly CriaEmbeddingGenerator _embeddings;

    public CriaEmbeddingGeneratorTests()
    {
        _client = CriaChatClient.Load(_files.Path);
        _embeddings = new(_client);
    }

    public void Dispose()
    {
        _client.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task ATextIsReadBehindOneBosAndItsControlTokensStayText()
    {
        string[] texts = ["hello wor", "", "<|eot_id|>hell"];
        var tokenizer = _client.GetService<Tokenizer>()!;
        int[][] ids = [.. texts.Select(t => (int[])[tokenizer.BosId, .. tokenizer.Encode(t)])];
        Assert.DoesNotContain(tokenizer.EotId, ids[2]);
        var expected = await _client.GetService<Generator>()!.EmbedAsync(ids, cancellation: TestContext.Current.CancellationToken);
        var given = await _embeddings.GenerateAsync(texts, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(expected, given.Select(e => e.Vector.ToArray()));
        Assert.Equal(ids.Sum(i => i.Length), given.Usage!.InputTokenCount);
        Assert.Equal(given.Usage.InputTokenCount, given.Usage.TotalTokenCount);
        Assert.All(given, e => Assert.Equal((48, Path.GetFileName(_files.Path)), (e.Dimensions, e.ModelId)));
    }

    [Fact]
    public async Task ServicesAreFound()
    {
        var metadata = _embeddings.GetService<EmbeddingGeneratorMetadata>()!;
        Assert.Equal(("cria", Path.GetFileName(_files.Path), 48), (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions));
        Assert.Same(_embeddings, _embeddings.GetService<IEmbeddingGenerator<string, Embedding<float>>>());
        Assert.Same(_client.GetService<TextModel>(), _embeddings.GetService<TextModel>());
        Assert.Null(_embeddings.GetService<string>());
        Assert.Null(_embeddings.GetService<CriaEmbeddingGenerator>("key"));
        _embeddings.Dispose(); // the client's weights stay
        Assert.Equal(48, (await _embeddings.GenerateVectorAsync("hello", cancellationToken: TestContext.Current.CancellationToken)).Length);
    }

    [Fact]
    public async Task WhatCannotBeHonouredIsAnError()
    {
        Assert.Single(await _embeddings.GenerateAsync(["hello"], new() { Dimensions = 48 }, TestContext.Current.CancellationToken));
        await Fails("Dimensions is 32; the model's embeddings have 48", new() { Dimensions = 32 }, "hello");
        await Fails("RawRepresentationFactory", new() { RawRepresentationFactory = _ => new() }, "hello");
        await Fails("adapter", new() { AdditionalProperties = new() { ["adapter"] = "mine" } }, "hello");
        await Fails("text 1 of 101 tokens does not fit the model's context of 100", new(), "hello", new string('x', 100));
        await Fails("text 1 is null", new(), "hello", null!);

        async Task Fails(string says, EmbeddingGenerationOptions options, params string[] texts) =>
            Assert.Contains(says, (await Assert.ThrowsAsync<CriaException>(() => _embeddings.GenerateAsync(texts, options, TestContext.Current.CancellationToken))).Message);
    }

    [Fact]
    public async Task AContainerGivesChatAndEmbeddingsOfOneModel()
    {
        using var other = TestModels.Write(new TestShape { WithTokenizer = true, Hidden = 32 });
        var services = new ServiceCollection();
        services.AddCria(_files.Path).UseFunctionInvocation();
        services.AddKeyedCria("other", other.Path);
        TextModel model;
        await using (var provider = services.BuildServiceProvider())
        {
            var (chat, embeddings) = (provider.GetRequiredService<IChatClient>(), provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>());
            model = chat.GetService<TextModel>()!;
            Assert.Same(model, embeddings.GetService<TextModel>());
            Assert.NotNull(chat.GetService<FunctionInvokingChatClient>());
            Assert.Equal(32, (await provider.GetRequiredKeyedService<IEmbeddingGenerator<string, Embedding<float>>>("other").GenerateVectorAsync("hello", cancellationToken: TestContext.Current.CancellationToken)).Length);
            Assert.NotSame(model, provider.GetRequiredKeyedService<IChatClient>("other").GetService<TextModel>());
        }
        Assert.Throws<ObjectDisposedException>(() => model.CreateSequence());
    }

    [Fact]
    public async Task AGeneratorOfItsOwnLetsGoOfItsModel()
    {
        using var own = CriaEmbeddingGenerator.Load(_files.Path);
        own.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => own.GenerateAsync(["hello"], cancellationToken: TestContext.Current.CancellationToken));
    }
}
