using System.Buffers;
using System.Runtime.InteropServices;

namespace Cria.Generation;

/// <summary>A chosen token; log probabilities where they were asked for.</summary>
readonly record struct SampledToken(int Id, float? LogProb, IReadOnlyList<TokenLogProb> Top);

/// <summary>
/// Chooses the tokens of one conversation. What it chooses depends on its logits, its options and how many it chose before, on
/// nothing else. Not thread-safe; the samplers of different conversations may run at once.
/// </summary>
sealed class Sampler
{
    readonly GenerationOptions _options;
    readonly ulong _seed;
    readonly HashSet<int> _seen = []; // in prompt or answer
    readonly Dictionary<int, int> _counts = []; // in the answer
    readonly ConstrainedText? _constrained;
    ulong _chosen;

    public Sampler(GenerationOptions options, ReadOnlySpan<int> prompt, ConstrainedText? constrained = null)
    {
        (_options, _constrained) = (options, constrained);
        _seed = options.Seed ?? (ulong)Random.Shared.NextInt64();
        if (options.RepetitionPenalty != 1)
            foreach (var id in prompt)
                _seen.Add(id);
    }

    /// <summary>Whether the constraint allows nothing more.</summary>
    public bool IsOver => _constrained?.IsOver == true;

    /// <summary>At most so many tokens that the constraint lets one foresee.</summary>
    public IEnumerable<int> Foreseen(int most) => _constrained?.Foreseen(most) ?? [];

    /// <summary>Chooses the next token. The logits [V] are overwritten.</summary>
    /// <param name="logits">The logits.</param>
    /// <param name="left">The tokens that the answer may still have, this one among them.</param>
    /// <exception cref="CriaException">The logits are not finite, or the options forbid every token.</exception>
    public SampledToken Next(Span<float> logits, int left = int.MaxValue)
    {
        Logits.CheckFinite(logits);
        if (_options.TopLogProbs is not { } alternatives)
            return new(Choose(logits, left), null, []);
        var room = ArrayPool<float>.Shared.Rent(logits.Length);
        try
        {
            var raw = room.AsSpan(0, logits.Length);
            logits.CopyTo(raw);
            var id = Choose(logits, left);
            var (logProb, top) = LogProbs.Of(raw, id, alternatives);
            return new(id, logProb, top);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(room);
        }
    }

    int Choose(Span<float> logits, int left)
    {
        Adjust(logits);
        var uniform = Uniform(_seed, _chosen++);
        var id = _constrained is null ? Choose(logits, uniform) : Choose(logits, uniform, _constrained, left);
        if (_options.RepetitionPenalty != 1)
            _seen.Add(id);
        if (_options.FrequencyPenalty != 0 || _options.PresencePenalty != 0)
            CollectionsMarshal.GetValueRefOrAddDefault(_counts, id, out _)++;
        return id;
    }

    /// <summary>Chooses among what the constraint allows; a token after which it could not be satisfied in time is put back.</summary>
    int Choose(Span<float> logits, double uniform, ConstrainedText constrained, int left)
    {
        const int tries = 16;
        constrained.Restrict(logits);
        var room = ArrayPool<float>.Shared.Rent(logits.Length);
        try
        {
            var rest = room.AsSpan(0, logits.Length);
            logits.CopyTo(rest);
            for (var i = 0; i < tries; i++)
            {
                var id = Choose(logits, uniform);
                if (constrained.TryAdd(id, left - 1))
                    return id;
                rest[id] = float.NegativeInfinity;
                if (!float.IsFinite(rest[Logits.ArgMax(rest)]))
                    break;
                rest.CopyTo(logits);
            }
            return constrained.AddShortest();
        }
        finally
        {
            ArrayPool<float>.Shared.Return(room);
        }
    }

    void Adjust(Span<float> logits)
    {
        if (_options.LogitBias is { } biases)
            foreach (var (id, bias) in biases)
                if ((uint)id < (uint)logits.Length)
                    logits[id] += bias;
        foreach (var id in _seen)
            logits[id] = logits[id] > 0 ? logits[id] / _options.RepetitionPenalty : logits[id] * _options.RepetitionPenalty;
        foreach (var (id, count) in _counts)
            logits[id] -= count * _options.FrequencyPenalty + _options.PresencePenalty;
    }

    int Choose(Span<float> logits, double uniform)
    {
        var best = Logits.ArgMax(logits);
        if (!float.IsFinite(logits[best]))
            throw new CriaException("logit_bias and the penalties leave no token to choose");
        if (_options.Temperature == 0)
            return best;
        var sum = Logits.Exponentiate(logits, logits[best], _options.Temperature);
        var weights = (ReadOnlySpan<float>)logits;
        if (_options is { TopK: 0, TopP: 1, MinP: 0 })
            return Draw(weights, uniform * sum) ?? best;
        var room = ArrayPool<ulong>.Shared.Rent(weights.Length);
        try
        {
            var kept = Filter(weights, sum, _options, room.AsSpan(0, weights.Length));
            return Draw(kept, uniform) ?? best;
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(room);
        }
    }

    /// <summary>The candidates that the filters keep, in no order. The greatest weight is 1.</summary>
    internal static Span<ulong> Filter(ReadOnlySpan<float> weights, double sum, GenerationOptions options, Span<ulong> room)
    {
        Span<ulong> kept;
        if (options.TopK > 0 && options.TopK < weights.Length)
        {
            kept = room[..Candidates.Greatest(weights, options.TopK, room)];
            sum = 0;
            foreach (var candidate in kept)
                sum += Candidates.Value(candidate);
        }
        else
        {
            // What is less probable than (1 - p) / V cannot be in the nucleus: all such tokens together have less than 1 - p.
            var least = Math.Max(options.MinP, (float)((1 - (double)options.TopP) * sum / weights.Length * 0.999));
            kept = room[..Candidates.AtLeast(weights, least, room)];
        }
        if (options.TopP < 1)
            kept = kept[..Candidates.Nucleus(kept, options.TopP * sum)];
        var count = 0;
        foreach (var candidate in kept)
            if (Candidates.Value(candidate) >= options.MinP)
                kept[count++] = candidate;
        return kept[..count];
    }

    static int? Draw(ReadOnlySpan<ulong> kept, double uniform)
    {
        var sum = 0.0;
        foreach (var candidate in kept)
            sum += Candidates.Value(candidate);
        var left = uniform * sum;
        foreach (var candidate in kept)
            if ((left -= Candidates.Value(candidate)) < 0)
                return Candidates.Id(candidate);
        return null;
    }

    static int? Draw(ReadOnlySpan<float> weights, double left)
    {
        for (var id = 0; id < weights.Length; id++)
            if ((left -= weights[id]) < 0)
                return id;
        return null;
    }

    /// <summary>The n-th number of a seed, in [0, 1): SplitMix64 (Steele, Lea, Flood 2014).</summary>
    internal static double Uniform(ulong seed, ulong n)
    {
        var z = seed + (n + 1) * 0x9E37_79B9_7F4A_7C15;
        z = (z ^ z >> 30) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ z >> 27) * 0x94D0_49BB_1331_11EB;
        return ((z ^ z >> 31) >> 11) * (1.0 / (1UL << 53));
    }
}
