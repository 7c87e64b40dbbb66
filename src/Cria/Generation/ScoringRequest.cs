using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// A request for the log probabilities of a continuation. It goes on after what is cached of its context, and leaves the context to those that share it.
/// What was scored before it lost its memory is not scored again.
/// </summary>
sealed class ScoringRequest(ScoringText text, Adapter? adapter, int alternatives, int? imageToken)
    : Request([.. text.Context, .. text.Continuation.AsSpan(..^1)], adapter, text.Images, imageToken) // nothing follows from the last token
{
    /// <summary>The rows of logits of a step: those of 128,256 tokens take 66 MB.</summary>
    const int MostLogits = 128;

    readonly TaskCompletionSource<Likelihood> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly List<ScoredToken> _scored = [];

    public Task<Likelihood> Result => _result.Task;

    /// <summary>The position that the next token's logits come from.</summary>
    int Next => text.Context.Length - 1 + _scored.Count;

    public override void Begin(TextModel model, PrefixCache prefixes, TextModel? draft) => _sequence = prefixes.Begin(Ids[..(Next + 1)], Adapter, _features);

    public override int AddRows(List<Row> rows, int most)
    {
        var start = _sequence!.Length;
        var room = Math.Max(1, MostLogits - rows.Count(row => row.WantsLogits));
        var end = Math.Min(Math.Min(_ids.Count, start + most), Next + room);
        for (var at = start; at < end; at++)
            rows.Add(new Row(_sequence, at, TokenAt(at), WantsLogits: at >= Next));
        DueRows = Math.Max(0, end - Next);
        return end - start;
    }

    public override void Take(Span<float> logits)
    {
        var size = logits.Length / DueRows;
        try
        {
            for (var row = 0; row < DueRows; row++)
                _scored.Add(Score(logits.Slice(row * size, size), text.Continuation[_scored.Count]));
        }
        catch (Exception e)
        {
            _error = e;
        }
        _isFinished = _scored.Count == text.Continuation.Length;
    }

    ScoredToken Score(ReadOnlySpan<float> logits, int id)
    {
        Logits.CheckFinite(logits);
        var (logProb, top) = LogProbs.Of(logits, id, alternatives);
        return new(id, logProb, Logits.ArgMax(logits) == id, top);
    }

    public override void Publish()
    {
        if (_error is not null)
            _result.TrySetException(_error);
        else if (_isFinished)
            _result.TrySetResult(new(_scored, text.Text));
    }

    public override void Keep(PrefixCache prefixes)
    {
        if (_sequence is not null)
            prefixes.Keep(_sequence, Ids[..Math.Min(_sequence.Length, text.Context.Length)]);
    }
}
