using System.Buffers;

namespace Cria.Generation;

/// <summary>A token and the natural logarithm of its probability, softmax of the model's raw logits.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProb">Its log probability.</param>
public readonly record struct TokenLogProb(int Id, float LogProb);

/// <summary>Log probabilities of raw logits (spec section 7), whatever the sampling does to them later.</summary>
/// <param name="raw">A copy is kept where the sampler changes its logits.</param>
/// <param name="alternatives">How many of the most probable tokens to list.</param>
sealed class LogProbs(ReadOnlySpan<float> raw, int alternatives)
{
    readonly float[] _raw = raw.ToArray();
    readonly double _normaliser = Logits.LogSumExp(raw);

    public float Of(int id) => (float)(_raw[id] - _normaliser);

    /// <summary>The most probable tokens, the most probable first, of equal ones the lowest id.</summary>
    public TokenLogProb[] Top()
    {
        if (alternatives == 0)
            return [];
        var room = ArrayPool<ulong>.Shared.Rent(Math.Min(_raw.Length, 2 * alternatives));
        var best = room.AsSpan(0, Candidates.Greatest(_raw, alternatives, room.AsSpan(0, Math.Min(_raw.Length, 2 * alternatives))));
        Candidates.SortDescending(best);
        var top = new TokenLogProb[best.Length];
        for (var i = 0; i < top.Length; i++)
            top[i] = new(Candidates.Id(best[i]), Of(Candidates.Id(best[i])));
        ArrayPool<ulong>.Shared.Return(room);
        return top;
    }
}
