using Cria.Generation;
using Cria.Models;
using Cria.Tokenization;
using CsCheck;

namespace Cria.Tests.Generation;

public sealed class GeneratorTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { WithTokenizer = true });
    readonly Tokenizer _tokenizer;
    readonly TextModel _model;

    public GeneratorTests() => (_tokenizer, _model) = (Tokenizer.Load(_files.Path), TextModel.Load(_files.Path));

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task GreedyContinuationIsTheArgMaxOfEveryForward()
    {
        int[] prompt = [266, 40, 41, 42];
        var ids = new List<int>();
        using (var sequence = _model.CreateSequence())
        {
            int[] next = prompt;
            for (var n = 0; n < 20; n++)
            {
                var logits = new float[_model.Config.VocabularySize];
                var at = sequence.Length;
                _model.Forward([.. next.Select((id, i) => new Row(sequence, at + i, id, i == next.Length - 1))], logits, TestContext.Current.CancellationToken);
                next = [Array.IndexOf(logits, logits.Max())];
                ids.Add(next[0]);
            }
        }
        using var generator = new Generator(_model, _tokenizer);
        var answer = await ToList(generator, prompt, new() { MaxTokens = 20, StopIds = [] });
        Assert.Equal(ids, answer.Select(t => t.Id));
        Assert.Equal(FinishReason.Length, answer[^1].Finish);
        Assert.All(answer[..^1], t => Assert.Null(t.Finish));
        Assert.Equal(_tokenizer.Decode([.. ids], skipSpecial: true), Text(answer));
    }

    [Fact]
    public async Task AStopIdEndsTheAnswerAndHasNoText()
    {
        using var generator = new Generator(_model, _tokenizer);
        var free = await ToList(generator, [266, 1, 2], new() { MaxTokens = 30, StopIds = [] });
        var stop = free[7].Id;
        var answer = await ToList(generator, [266, 1, 2], new() { MaxTokens = 30, StopIds = [stop] });
        var end = free.FindIndex(t => t.Id == stop);
        Assert.Equal(free.Take(end + 1).Select(t => t.Id), answer.Select(t => t.Id));
        Assert.Equal(FinishReason.Stop, answer[^1].Finish);
        Assert.Equal(_tokenizer.Decode([.. answer.Take(end).Select(t => t.Id)], skipSpecial: true), Text(answer));
    }

    [Fact]
    public void TheModelsEndTokensAndThoseOfItsVocabularyStop()
    {
        using var generator = new Generator(_model, _tokenizer);
        Assert.Equal([_tokenizer.EndOfTextId, _tokenizer.EomId, _tokenizer.EotId], generator.StopIds.Order());
        using var byIds = new Generator(_model);
        Assert.Equal(_model.Config.StopIds, byIds.StopIds);
    }

    [Fact]
    public async Task StopStringsCutTheTextOfTheFreeAnswerAtTheirFirstMatch()
    {
        using var generator = new Generator(_model, _tokenizer);
        var random = new Random(5);
        for (var n = 0; n < 40; n++)
        {
            var options = new GenerationOptions { Temperature = 1.5f, Seed = (ulong)n, MaxTokens = 40, StopIds = [] };
            var free = Text(await ToList(generator, [266, 5], options));
            string[] stops = [.. Enumerable.Range(0, 2).Select(_ => random.Next(free.Length) is var at ? free.Substring(at, Math.Min(random.Next(1, 6), free.Length - at)) : "")];
            var answer = await ToList(generator, [266, 5], options with { StopStrings = stops });
            var end = stops.Min(s => free.IndexOf(s, StringComparison.Ordinal) + s.Length);
            var start = stops.Where(s => free[..end].EndsWith(s, StringComparison.Ordinal)).Min(s => end - s.Length);
            Assert.Equal(free[..start], Text(answer));
            Assert.Equal(FinishReason.Stop, answer[^1].Finish);
        }
    }

    [Fact]
    public async Task LogProbsAreThoseOfTheForward()
    {
        using var generator = new Generator(_model, _tokenizer);
        var answer = await ToList(generator, [266, 9], new() { MaxTokens = 5, TopLogProbs = 3, StopIds = [] });
        Assert.All(answer, t =>
        {
            Assert.Equal(3, t.TopLogProbs.Count);
            Assert.Equal(new TokenLogProb(t.Id, t.LogProb!.Value), t.TopLogProbs[0]); // greedy
            Assert.True(t.LogProb < 0 && t.TopLogProbs[0].LogProb >= t.TopLogProbs[1].LogProb);
        });
        Assert.All(await ToList(generator, [266, 9], new() { MaxTokens = 5 }), t => Assert.True(t.LogProb is null && t.TopLogProbs.Count == 0));
    }

    [Fact]
    public async Task AnAnswerWithoutLimitFillsTheContext()
    {
        using var files = TestModels.Write(new TestShape { MaxPositions = 40 });
        using var model = TextModel.Load(files.Path);
        using var generator = new Generator(model);
        var answer = await ToList(generator, new int[30], new() { StopIds = [] });
        Assert.Equal((10, FinishReason.Length), (answer.Count, answer[^1].Finish));
        Assert.Equal("", Text(answer));
        Assert.Contains("context of 40", (await Assert.ThrowsAsync<CriaException>(() => ToList(generator, new int[40], new()))).Message);
        Assert.Contains("context of 40", (await Assert.ThrowsAsync<CriaException>(() => ToList(generator, new int[30], new() { MaxTokens = 11 }))).Message);
    }

    [Fact]
    public async Task WrongPromptsAreErrors()
    {
        using var generator = new Generator(_model, _tokenizer);
        Assert.Contains("empty", (await Assert.ThrowsAsync<CriaException>(() => ToList(generator, [], new()))).Message);
        Assert.Contains("token -1", (await Assert.ThrowsAsync<CriaException>(() => ToList(generator, [-1], new()))).Message);
        Assert.Contains("token 522", (await Assert.ThrowsAsync<CriaException>(() => ToList(generator, [522], new()))).Message);
        Assert.Contains("temperature", (await Assert.ThrowsAsync<CriaException>(() => ToList(generator, [1], new() { Temperature = -1 }))).Message);
    }

    [Theory]
    [InlineData("cfg-no-head-dim")]
    [InlineData("cfg-rope-bands")]
    [InlineData("cfg-rope-null")]
    [InlineData("cfg-rope-type-old")]
    [InlineData("cfg-stop-list")]
    [InlineData("hf-headdim-explicit")]
    [InlineData("hf-sharded-3")]
    [InlineData("hf-sharded-odd")]
    [InlineData("hf-tied-d64-g4")]
    [InlineData("hf-untied-mha")]
    [InlineData("hf-untied-mqa8")]
    [InlineData("two-prompts")]
    public async Task GreedyContinuationMatchesGolden(string name)
    {
        var recording = new GoldenText(TestFiles.Golden("text", name));
        using var model = TextModel.Load(recording.Model, new() { Compute = ComputeType.F32 });
        using var generator = new Generator(model);
        foreach (var (prompt, greedy) in recording.Prompts)
        {
            var answer = await ToList(generator, prompt, new() { MaxTokens = greedy.Length, StopIds = [] });
            Assert.Equal(greedy, answer.Select(t => t.Id));
        }
        if (recording.GreedyUntilStop is { } until)
        {
            var answer = await ToList(generator, recording.Prompts[0].Ids, new() { MaxTokens = until.Length + 10 });
            Assert.Equal(until, answer.Select(t => t.Id));
            Assert.Equal(FinishReason.Stop, answer[^1].Finish);
        }
    }

    internal static Task<List<GeneratedToken>> ToList(Generator generator, int[] prompt, GenerationOptions options) =>
        ToListUntil(TestContext.Current.CancellationToken, generator, prompt, options);

    internal static async Task<List<GeneratedToken>> ToListUntil(CancellationToken cancellation, Generator generator, int[] prompt, GenerationOptions options)
    {
        var tokens = new List<GeneratedToken>();
        await foreach (var token in generator.GenerateAsync(prompt, options, cancellation))
            tokens.Add(token);
        return tokens;
    }

    internal static string Text(IEnumerable<GeneratedToken> answer) => string.Concat(answer.Select(t => t.Text));
}
