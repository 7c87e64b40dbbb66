using Cria.Generation;
using CsCheck;

namespace Cria.Tests.Generation;

/// <summary>The sampler against plain arithmetic in double precision.</summary>
public sealed class SamplerTests
{
    static readonly Gen<float[]> SomeLogits = Gen.Select(Gen.Float[-20, 20].Array[1, 300], Gen.Int[1, 40], (values, levels) =>
        levels > 30 ? values : [.. values.Select(v => MathF.Round(v * levels / 20))]); // few levels make ties

    static readonly Gen<GenerationOptions> Filters = Gen.Select(
        Gen.OneOf(Gen.Const(1f), Gen.Float[0.05f, 5f]), Gen.OneOf(Gen.Const(0), Gen.Int[1, 400]),
        Gen.OneOf(Gen.Const(1f), Gen.Float[0f, 1f]), Gen.OneOf(Gen.Const(0f), Gen.Float[0f, 1f]),
        (temperature, k, p, minP) => new GenerationOptions { Temperature = temperature, TopK = k, TopP = p, MinP = minP });

    [Fact]
    public void FiltersKeepWhatTheSpecificationKeeps() => Gen.Select(SomeLogits, Filters).Sample((logits, options) =>
    {
        var weights = logits.ToArray();
        var sum = Logits.Exponentiate(weights, logits.Max(), options.Temperature);
        var kept = Sampler.Filter(weights, sum, options, new ulong[logits.Length]).ToArray().Select(Candidates.Id).ToHashSet();
        Assert.NotEmpty(kept);

        // The scalar truth, from the same weights: sort, cut.
        var sorted = weights.Select((w, id) => (w, id)).OrderByDescending(x => x.w).ThenBy(x => x.id).ToList();
        if (options.TopK > 0)
            sorted = [.. sorted.Take(options.TopK)];
        var total = sorted.Sum(x => (double)x.w);
        var before = 0.0;
        foreach (var (weight, id) in sorted)
        {
            var doubtful = Math.Abs(before - options.TopP * total) < 1e-6 * total; // the last bits of a sum
            if (!doubtful)
                Assert.Equal(weight > 0 && (options.TopP == 1 || before <= options.TopP * total) && weight >= options.MinP, weight > 0 && kept.Contains(id));
            before += weight;
        }
        Assert.True(kept.All(id => sorted.Any(x => x.id == id)));
    });

    [Fact]
    public void WeightsAreTheSoftmaxOfTheTemperedLogits() => Gen.Select(SomeLogits, Gen.Float[0.05f, 5f]).Sample((logits, temperature) =>
    {
        var weights = logits.ToArray();
        var sum = Logits.Exponentiate(weights, logits.Max(), temperature);
        var exact = logits.Select(l => Math.Exp(((double)l - logits.Max()) / temperature)).ToArray();
        Assert.Equal(exact.Sum(), sum, exact.Sum() * 1e-5);
        for (var i = 0; i < logits.Length; i++)
            Assert.Equal(exact[i], weights[i], 1e-5);
    });

    [Fact]
    public void TokensAreDrawnAsOftenAsTheirProbabilitySays()
    {
        float[] probabilities = [0.5f, 0.25f, 0.15f, 0.1f];
        foreach (var options in new GenerationOptions[] { new() { Temperature = 1, Seed = 7 }, new() { Temperature = 1, Seed = 7, TopK = 4 }, new() { Temperature = 1, Seed = 7, TopP = 0.999f } })
        {
            var sampler = new Sampler(options, []);
            var drawn = new int[4];
            for (var n = 0; n < 20_000; n++)
                drawn[sampler.Next([.. probabilities.Select(p => MathF.Log(p))]).Id]++;
            for (var id = 0; id < 4; id++)
                Assert.Equal(probabilities[id], drawn[id] / 20_000.0, 0.02);
        }
    }

    [Fact]
    public void TheSameSeedChoosesTheSameTokens() => Gen.Select(SomeLogits, Filters, Gen.ULong).Sample((logits, options, seed) =>
    {
        var (one, other) = (new Sampler(options with { Seed = seed }, []), new Sampler(options with { Seed = seed }, []));
        for (var n = 0; n < 10; n++)
            Assert.Equal(one.Next(logits.ToArray()).Id, other.Next(logits.ToArray()).Id);
    }, iter: 50);

    [Fact]
    public void GreedyTakesTheLowestIdOfEqualLogits() => SomeLogits.Sample(logits =>
    {
        var id = new Sampler(new(), []).Next(logits.ToArray()).Id;
        Assert.Equal(Array.IndexOf(logits, logits.Max()), id);
    });

    [Fact]
    public void SelectionAgreesWithSorting() => Gen.Select(SomeLogits, Gen.Int[1, 320]).Sample((values, k) =>
    {
        var room = new ulong[Math.Min(values.Length, 2 * k)];
        var count = Candidates.Greatest(values, k, room);
        var sorted = values.Select((v, id) => (v, id)).OrderByDescending(x => x.v).ThenBy(x => x.id).Take(k).Select(x => x.id);
        Assert.Equal(sorted.Order(), room[..count].Select(Candidates.Id).Order());
        Assert.All(room[..count], c => Assert.Equal(values[Candidates.Id(c)], Candidates.Value(c)));
    });

    [Fact]
    public void LogProbsAreOfTheRawLogitsWhateverTheSamplingDoes() => Gen.Select(SomeLogits, Filters, Gen.Int[0, 30]).Sample((logits, options, n) =>
    {
        var bias = new Dictionary<int, float> { [0] = 5 };
        var sampler = new Sampler(options with { TopLogProbs = n, LogitBias = bias, RepetitionPenalty = 1.5f, PresencePenalty = 1 }, [0]);
        sampler.Next(logits.ToArray());
        var token = sampler.Next(logits.ToArray());
        var normaliser = logits.Max() + Math.Log(logits.Sum(l => Math.Exp((double)l - logits.Max())));
        Assert.Equal(logits[token.Id] - normaliser, token.LogProb!.Value, 1e-4);
        var sorted = logits.Select((l, id) => (l, id)).OrderByDescending(x => x.l).ThenBy(x => x.id).Take(n).ToList();
        Assert.Equal(sorted.Select(x => x.id), token.Top.Select(t => t.Id));
        Assert.All(token.Top, t => Assert.Equal(logits[t.Id] - normaliser, t.LogProb, 1e-4));
    });

    [Fact]
    public void PenaltiesAndBiasesChangeTheChoice()
    {
        static int[] Two(GenerationOptions options, params int[] prompt)
        {
            var sampler = new Sampler(options, prompt);
            return [sampler.Next([1f, 0.9f, 0.8f]).Id, sampler.Next([1f, 0.9f, 0.8f]).Id];
        }
        Assert.Equal([0, 0], Two(new()));
        Assert.Equal([0, 1], Two(new() { PresencePenalty = 0.15f }));
        Assert.Equal([0, 1], Two(new() { FrequencyPenalty = 0.15f }));
        Assert.Equal([0, 1], Two(new() { RepetitionPenalty = 1.2f }));
        Assert.Equal([2, 0], Two(new() { RepetitionPenalty = 2f }, 0, 1));
        Assert.Equal([0, 1], Two(new() { PresencePenalty = 0.15f }, 0, 1)); // of the answer only
        Assert.Equal([2, 2], Two(new() { LogitBias = new Dictionary<int, float> { [2] = 0.5f } }));
        Assert.Equal([1, 1], Two(new() { LogitBias = new Dictionary<int, float> { [0] = float.NegativeInfinity, [99] = 1 } }));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void LogitsThatAreNotFiniteAreAnError(float bad)
    {
        for (var at = 0; at < 40; at++)
        {
            var logits = new float[40];
            logits[at] = bad;
            Assert.Throws<CriaException>(() => new Sampler(new() { Temperature = 1 }, []).Next(logits));
        }
    }

    [Fact]
    public void ForbiddingEveryTokenIsAnError() => Assert.Throws<CriaException>(() =>
        new Sampler(new() { LogitBias = new Dictionary<int, float> { [0] = float.NegativeInfinity, [1] = float.NegativeInfinity } }, []).Next(new float[2]));

    [Fact]
    public void OptionsOutsideTheirRangeAreNamed()
    {
        void Names(string name, GenerationOptions options) => Assert.Contains(name, Assert.Throws<CriaException>(options.Validate).Message);
        Names("max_tokens", new() { MaxTokens = 0 });
        Names("temperature", new() { Temperature = float.NaN });
        Names("temperature", new() { Temperature = -1 });
        Names("top_k", new() { TopK = -1 });
        Names("top_p", new() { TopP = 1.5f });
        Names("min_p", new() { MinP = float.NaN });
        Names("repetition_penalty", new() { RepetitionPenalty = 0 });
        Names("frequency_penalty", new() { FrequencyPenalty = float.PositiveInfinity });
        Names("presence_penalty", new() { PresencePenalty = float.NaN });
        Names("logit_bias of token 3", new() { LogitBias = new Dictionary<int, float> { [3] = float.NaN } });
        Names("logprobs", new() { TopLogProbs = -1 });
        Names("stop", new() { StopStrings = [""] });
        new GenerationOptions().Validate();
    }
}
