using Cria.Generation;
using Cria.Models;
using static Cria.Tests.Generation.GeneratorTests;

namespace Cria.Tests.Generation;

public sealed class SpeculationTests : IDisposable
{
    readonly TestModel _files = TestModels.Write(new TestShape { Vocabulary = 60, MaxPositions = 1000 });
    readonly TextModel _model;

    public SpeculationTests() => _model = TextModel.Load(_files.Path);

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task RightGuessesAreChosenInOneStepAndWrongOnesLeaveNoTrace(float temperature)
    {
        int[] prompt = [1, 2, 3];
        var options = new GenerationOptions { Temperature = temperature, Seed = 5, MaxTokens = 60, StopIds = [], RepetitionPenalty = 1.1f };
        List<int> plain;
        using (var generator = new Generator(_model))
            plain = [.. (await ToList(generator, prompt, options)).Select(t => t.Id)];

        using var prefixes = new PrefixCache(_model, 0);
        var conversation = new Conversation(prompt, options with { Speculation = Speculation.Lookup }, new HashSet<int>(), 60, tokenizer: null);
        conversation.Begin(_model, prefixes, draft: null);
        var random = new Random(1);
        var steps = 0;
        for (; !conversation.IsOver; steps++)
        {
            var written = conversation.Ids.Length - prompt.Length;
            if (written > 0)
                conversation.Guesses.Ids.AddRange(plain.Skip(written).Take(Math.Min(9, conversation.MostGuesses)));
            var wrong = random.Next(20); // the first wrong guess, if there are so many
            if (wrong < conversation.Guesses.Ids.Count)
                conversation.Guesses.Ids[wrong] = (conversation.Guesses.Ids[wrong] + 1) % 60;
            var expected = Math.Min(written + 1 + Math.Min(wrong, conversation.Guesses.Ids.Count), 60);
            var rows = new List<Row>();
            conversation.AddRows(rows, most: 10);
            var logits = new float[conversation.DueRows * 60];
            _model.Forward(rows.ToArray(), logits, TestContext.Current.CancellationToken);
            conversation.Take(logits);
            conversation.Settle(guessCost: 0);
            conversation.Publish();
            Assert.Equal(expected, conversation.Ids.Length - prompt.Length);
            Assert.Equal(1, conversation.Unread);
        }
        Assert.Equal(plain, conversation.Ids[prompt.Length..].ToArray());
        Assert.InRange(steps, 6, 20);
        conversation.Free();
        Assert.Equal(0, _model.CacheBytes);
    }

    [Fact]
    public void LookUpContinuesTheLongestLatestPlaceThatEndsAlike()
    {
        Assert.Equal([4, 5, 1], LookUp([1, 2, 3, 4, 5, 1, 2, 3], 3)); // runs on into the end of the text
        Assert.Equal([9], LookUp([7, 1, 2, 9, 8, 1, 2, 6, 7, 1, 2], 1)); // three alike before two
        Assert.Equal([6], LookUp([8, 1, 2, 9, 8, 1, 2, 6, 7, 1, 2], 1)); // the latest of two
        Assert.Equal([4], LookUp([4, 4, 4, 4], 5));
        Assert.Empty(LookUp([1, 2, 3, 9, 3], 3)); // one token is too little
        Assert.Empty(LookUp([1], 3));
        Assert.Empty(LookUp([1, 2, 1, 2], 0));

        static List<int> LookUp(int[] text, int count)
        {
            var guesses = new Guesses(Speculation.Lookup);
            guesses.LookUp(text, count);
            return guesses.Ids;
        }
    }

    [Fact]
    public void GuessingGrowsWhileItIsRightAndPausesWhereItIsNot()
    {
        var guesses = new Guesses(Speculation.Lookup);
        Assert.Equal(4, Next(4));
        Assert.Equal(8, Next(3));
        Assert.Equal(3, Next(0));
        Assert.Equal(1, Next(0));
        for (var pause = 4; pause <= 64; pause *= 2)
        {
            for (var n = 0; n < pause; n++)
                Assert.Equal(0, guesses.Wanted(100));
            Assert.Equal(1, Next(pause == 64 ? 1 : 0));
        }
        Assert.Equal(2, Next(2));
        Assert.Equal(3, guesses.Wanted(3));

        int Next(int accepted)
        {
            var wanted = guesses.Wanted(100);
            guesses.Ids.AddRange(Enumerable.Range(0, wanted));
            guesses.Learn(Math.Min(accepted, wanted), cost: 0);
            return wanted;
        }
    }

    [Fact]
    public void GuessesThatCostMoreThanTheySaveAreLeftOff()
    {
        var cost = new GuessCost();
        cost.Learn(tokens: 1, guesses: 0, TimeSpan.FromMilliseconds(10));
        for (var n = 0; n < 60; n++)
            cost.Learn(tokens: 1, guesses: 4, TimeSpan.FromMilliseconds(34));
        cost.Learn(tokens: 9, guesses: 1, TimeSpan.FromSeconds(9)); // others take part: says nothing
        Assert.Equal(0.6, cost.Value, 0.01);
        foreach (var (accepted, goesOn) in new[] { (3, true), (2, false) }) // of four
        {
            var guesses = new Guesses(Speculation.Lookup);
            for (var n = 0; n < 20 && guesses.Wanted(1) > 0; n++)
            {
                guesses.Ids.AddRange([1, 2, 3, 4]);
                guesses.Learn(accepted, cost.Value);
            }
            Assert.Equal(goesOn, guesses.Wanted(1) > 0);
        }
    }

    [Theory]
    [InlineData(Speculation.Lookup)]
    [InlineData(Speculation.Draft)]
    public async Task StopsAndLimitsFallWhereTheyFellWithout(Speculation kind)
    {
        using var draft = TextModel.Load(_files.Path); // the same weights: every greedy guess is right
        using var generator = new Generator(_model, options: new() { Draft = draft });
        var free = await ToList(generator, [1, 2, 1, 2], new() { MaxTokens = 100, StopIds = [] });
        foreach (var stop in free.Select(t => t.Id).Distinct())
        {
            var options = new GenerationOptions { MaxTokens = 1 + stop, StopIds = [stop] };
            Assert.Equal((await ToList(generator, [1, 2, 1, 2], options)).Select(t => (t.Id, t.Finish)),
                (await ToList(generator, [1, 2, 1, 2], options with { Speculation = kind })).Select(t => (t.Id, t.Finish)));
        }
        generator.Dispose();
        Assert.Equal((0, 0), (_model.CacheBytes, draft.CacheBytes));
    }
}
