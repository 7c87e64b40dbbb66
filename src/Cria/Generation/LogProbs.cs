using System.Buffers;

namespace Cria.Generation;

/// <summary>A token and the natural logarithm of its probability, softmax of the model's raw logits.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProb">Its log probability.</param>
public readonly record struct TokenLogProb(int Id, float LogProb);

/// <summary>Log probabilities of raw logits (spec section 7), whatever the sampling does to them.</summary>
static class LogProbs
{
    /// <summary>That of a token, and the most probable tokens: the most probable first, of equal ones the lowest id.</summary>
    public static (float LogProb, TokenLogProb[] Top) Of(ReadOnlySpan<float> logits, int id, int alternatives)
    {
        var normaliser = Logits.LogSumExp(logits);
        var top = new TokenLogProb[Math.Min(alternatives, logits.Length)];
        if (top.Length > 0)
        {
            var room = ArrayPool<ulong>.Shared.Rent(2 * top.Length);
            var best = room.AsSpan(0, Candidates.Greatest(logits, top.Length, room));
            Candidates.SortDescending(best);
            for (var i = 0; i < top.Length; i++)
                top[i] = new(Candidates.Id(best[i]), (float)(Candidates.Value(best[i]) - normaliser));
            ArrayPool<ulong>.Shared.Return(room);
        }
        return ((float)(logits[id] - normaliser), top);
    }
}
