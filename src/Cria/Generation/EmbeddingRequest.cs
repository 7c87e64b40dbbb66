using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// A request for the mean of a text's last hidden states, scaled to length 1. It reads its text from the beginning, because of a cached prefix the
/// states are not known, and leaves nothing to the cache, because such a text does not go on.
/// </summary>
sealed class EmbeddingRequest(int[] text, Adapter? adapter) : Request(text, adapter, [], null)
{
    readonly TaskCompletionSource<float[]> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    double[] _sum = []; // of the states: the mean, but for its length

    /// <summary>The embedding [D].</summary>
    public Task<float[]> Result => _result.Task;

    public override void Begin(TextModel model, PrefixCache prefixes, TextModel? draft)
    {
        _sequence = model.CreateSequence(Adapter);
        _sum = new double[model.Config.HiddenSize];
    }

    public override int AddRows(List<Row> rows, int most)
    {
        var start = _sequence!.Length;
        DueRows = Math.Min(Unread, most);
        for (var at = start; at < start + DueRows; at++)
            rows.Add(new Row(_sequence, at, _ids[at], WantsLogits: false, WantsState: true));
        return DueRows;
    }

    /// <summary>Adds the states one after another, however the text is cut.</summary>
    public override void Take(Span<float> states)
    {
        for (var at = 0; at < states.Length; at += _sum.Length)
            for (var i = 0; i < _sum.Length; i++)
                _sum[i] += states[at + i];
        if (Unread > 0)
            return;
        var length = Math.Sqrt(_sum.Sum(s => s * s));
        if (double.IsFinite(length) && length > 0)
            _isFinished = true;
        else
            _error = new CriaException("the model's hidden states have no mean of a length: its weights may be damaged");
        for (var i = 0; i < _sum.Length; i++)
            _sum[i] /= length;
    }

    public override void Publish()
    {
        if (_error is not null)
            _result.TrySetException(_error);
        else if (_isFinished)
            _result.TrySetResult(Array.ConvertAll(_sum, s => (float)s));
    }
}
