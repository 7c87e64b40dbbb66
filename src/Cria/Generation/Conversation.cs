using System.Threading.Channels;
using Cria.Models;
using Cria.Tokenization;

namespace Cria.Generation;

/// <summary>
/// One request on its way through the scheduler: a prompt that is read in chunks, then an answer that grows by a token a step. The
/// caller's side (<see cref="Answer"/>, <see cref="Abandon"/>) is thread-safe; everything else belongs to the scheduler.
/// </summary>
sealed class Conversation(int[] prompt, GenerationOptions options, IReadOnlySet<int> stopIds, int maxTokens, Tokenizer? tokenizer)
{
    // Unbounded: a slow reader holds up nobody, and buffers only its own answer.
    readonly Channel<GeneratedToken> _answer = Channel.CreateUnbounded<GeneratedToken>(new() { SingleReader = true, SingleWriter = true });
    readonly Sampler _sampler = new(options, prompt);
    readonly StreamingDecoder? _decoder = tokenizer is null ? null : new(tokenizer, skipSpecial: true);
    readonly StopStrings _stops = new(options.StopStrings);
    Sequence? _sequence;
    int _generated;
    GeneratedToken? _last;
    Exception? _error;
    volatile bool _abandoned;

    public ChannelReader<GeneratedToken> Answer => _answer.Reader;

    public bool IsAbandoned => _abandoned;

    /// <summary>Whether the caller has given up, the answer is complete, or it has failed.</summary>
    public bool IsOver => _abandoned || _last?.Finish is not null || _error is not null;

    /// <summary>Prompt tokens that the model has not read.</summary>
    public int Unread => prompt.Length - Math.Min(prompt.Length, _sequence?.Length ?? 0);

    /// <summary>Whether the rows added last reach the end of the prompt, so that a token is due.</summary>
    public bool IsDueAfterStep { get; private set; }

    /// <summary>The caller no longer listens.</summary>
    public void Abandon() => _abandoned = true;

    /// <summary>Adds this conversation's rows to a step, up to so many of the prompt or the last token, and gives their number.</summary>
    public int AddRows(TextModel model, List<Row> rows, int promptRows)
    {
        _sequence ??= model.CreateSequence();
        var start = _sequence.Length;
        var end = start + (Unread > 0 ? Math.Min(Unread, promptRows) : 1);
        for (var at = start; at < end; at++)
            rows.Add(new Row(_sequence, at, at < prompt.Length ? prompt[at] : _last!.Id, WantsLogits: at >= prompt.Length - 1));
        IsDueAfterStep = end >= prompt.Length;
        return end - start;
    }

    /// <summary>Chooses the next token. Conversations may do this at once; an error ends this one only.</summary>
    public void Choose(Span<float> logits)
    {
        try
        {
            var token = _sampler.Next(logits);
            var isStop = stopIds.Contains(token.Id);
            var text = isStop ? "" : _stops.Push(_decoder?.Push(token.Id) ?? "");
            FinishReason? finish = isStop || _stops.Found ? FinishReason.Stop : ++_generated >= maxTokens ? FinishReason.Length : null;
            if (finish is not null && !_stops.Found)
            {
                text += _stops.Push(_decoder?.Flush() ?? "");
                if (_stops.Found)
                    finish = FinishReason.Stop;
                text += _stops.Flush();
            }
            _last = new GeneratedToken(token.Id, text, token.LogProb, token.Top, finish);
        }
        catch (Exception e)
        {
            _error = e;
        }
    }

    /// <summary>Hands the chosen token to the caller; at the end the memory goes back first.</summary>
    public void Publish()
    {
        if (IsOver)
            Free();
        if (_error is null)
            _answer.Writer.TryWrite(_last!);
        if (IsOver)
            _answer.Writer.TryComplete(_error);
    }

    /// <summary>Ends the conversation with an error.</summary>
    public void Fail(Exception error)
    {
        _error = error;
        Free();
        _answer.Writer.TryComplete(error);
    }

    /// <summary>Gives the cache back.</summary>
    public void Free()
    {
        _sequence?.Dispose();
        _sequence = null;
    }
}
