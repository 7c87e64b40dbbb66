using System.Diagnostics;
using System.Threading.Channels;
using Cria.Models;
using Cria.Tokenization;

namespace Cria.Generation;

/// <summary>A request whose text goes on: when it is read, each choice adds a token.</summary>
sealed class Conversation : Request
{
    // Unbounded: a slow reader holds up nobody, and buffers only its own answer.
    readonly Channel<GeneratedToken> _answer = Channel.CreateUnbounded<GeneratedToken>(new() { SingleReader = true, SingleWriter = true });
    readonly List<GeneratedToken> _chosen = []; // by this step
    readonly long _arrived = Stopwatch.GetTimestamp();
    readonly int _promptLength, _limit;
    readonly IReadOnlySet<int> _stopIds;
    readonly Sampler _sampler;
    readonly StreamingDecoder? _decoder;
    readonly StopStrings _stops;
    long _served, _answered; // when it was first served, when its first token came
    int _cached;
    bool _isKept;

    public Conversation(int[] prompt, GenerationOptions options, IReadOnlySet<int> stopIds, int maxTokens, Tokenizer? tokenizer, int? imageToken = null)
        : base(prompt, options.Adapter, options.Images, imageToken)
    {
        (_promptLength, _limit, _stopIds) = (prompt.Length, prompt.Length + maxTokens, stopIds);
        _sampler = new(options, Array.FindAll(prompt, id => id != imageToken),
            options.Constraint is null ? null : new(options.Constraint.Begin(tokenizer!, options.ConstraintPrefix), tokenizer!, stopIds, maxTokens));
        _decoder = tokenizer is null ? null : new(tokenizer, skipSpecial: true);
        _stops = new(options.StopStrings);
        ImageProgress = options.ImageProgress;
        Guesses = new(options.Speculation, options.Constraint is not null);
    }

    public ChannelReader<GeneratedToken> Answer => _answer.Reader;

    /// <summary>The next tokens as guessed; at most <see cref="MostGuesses"/>.</summary>
    public Guesses Guesses { get; }

    /// <summary>As many guesses as the answer has room for, one token being chosen without.</summary>
    public int MostGuesses => _limit - _ids.Count - 1;

    /// <summary>Guesses at most so many tokens that a constraint lets one foresee; false if there are none.</summary>
    public bool Foresee(int most)
    {
        Guesses.Ids.AddRange(_sampler.Foreseen(most));
        return Guesses.Ids.Count > 0;
    }

    /// <summary>Begins to read, after what is cached of the prompt.</summary>
    public override void Begin(TextModel model, PrefixCache prefixes, TextModel? draft)
    {
        _sequence = prefixes.Begin(Ids, Adapter, _features);
        Guesses.Draft = Guesses.Kind == Speculation.Draft ? draft!.CreateSequence() : null;
    }

    /// <summary>Bytes to allocate until all that is known and guessed is read.</summary>
    public override long BytesToGrow
    {
        get
        {
            var length = Math.Min(_ids.Count + Guesses.Most, _limit);
            return _sequence!.BytesToGrow(length) + (Guesses.Draft?.BytesToGrow(length) ?? 0);
        }
    }

    /// <summary>
    /// Adds this conversation's rows to a step, so many of its unread tokens and, if they are all, its guesses. Gives the number of the former. No logits
    /// are due unless they reach the end of what is known.
    /// </summary>
    public override int AddRows(List<Row> rows, int most)
    {
        var start = _sequence!.Length;
        if (_served == 0)
            (_served, _cached) = (Stopwatch.GetTimestamp(), start);
        var end = Math.Min(_ids.Count, start + most);
        for (var at = start; at < end; at++)
            rows.Add(new Row(_sequence, at, TokenAt(at), WantsLogits: at == _ids.Count - 1));
        DueRows = end < _ids.Count ? 0 : 1 + Guesses.Ids.Count;
        foreach (var guess in Guesses.Ids)
            rows.Add(new Row(_sequence, end++, guess, WantsLogits: true));
        return Math.Min(end, _ids.Count) - start;
    }

    /// <summary>
    /// Chooses the next token, and as long as it is the one guessed the one after it: each from the logits it would have without guesses.
    /// </summary>
    /// <param name="logits">[<see cref="Request.DueRows"/>][V].</param>
    public override void Take(Span<float> logits)
    {
        var size = logits.Length / DueRows;
        try
        {
            for (var row = 0; row < DueRows && !_isFinished && (row == 0 || _ids[^1] == Guesses.Ids[row - 1]); row++)
                Choose(_sampler.Next(logits.Slice(row * size, size), _limit - _ids.Count));
        }
        catch (Exception e)
        {
            _error = e;
        }
    }

    void Choose(SampledToken token)
    {
        _ids.Add(token.Id);
        if (_answered == 0)
            _answered = Stopwatch.GetTimestamp();
        var isStop = _stopIds.Contains(token.Id);
        var text = isStop ? "" : _stops.Push(_decoder?.Push(token.Id) ?? "");
        FinishReason? finish = isStop || _stops.Found || _sampler.IsOver ? FinishReason.Stop : _ids.Count < _limit ? null : FinishReason.Length;
        if (finish is not null && !_stops.Found)
        {
            text += _stops.Push(_decoder?.Flush() ?? "");
            if (_stops.Found)
                finish = FinishReason.Stop;
            text += _stops.Flush();
        }
        _isFinished = finish is not null;
        _chosen.Add(new GeneratedToken(token.Id, text, token.LogProb, token.Top, finish) { Timings = finish is null ? null : Timings() });
    }

    GenerationTimings Timings() => new(_promptLength, _cached, _ids.Count - _promptLength,
        Stopwatch.GetElapsedTime(_arrived, _served), Stopwatch.GetElapsedTime(_served, _answered), Stopwatch.GetElapsedTime(_answered))
    {
        ImagesRead = _imagesRead,
        ReadingImages = _imageTime,
    };

    /// <summary>Forgets the guesses that were not chosen. An error may have come before the first choice.</summary>
    public void Settle(double guessCost)
    {
        Guesses.Learn(accepted: Math.Max(0, _chosen.Count - 1), guessCost);
        _sequence!.Truncate(Math.Min(_sequence.Length, _ids.Count - (_chosen.Count > 0 ? 1 : 0)));
    }

    /// <summary>Hands the chosen tokens to the caller.</summary>
    public override void Publish()
    {
        foreach (var token in _chosen)
            _answer.Writer.TryWrite(token);
        _chosen.Clear();
        if (IsOver)
            _answer.Writer.TryComplete(_error);
    }

    public override void Keep(PrefixCache prefixes)
    {
        if (_sequence is not null)
            prefixes.Keep(_sequence, Ids[.._sequence.Length]);
    }

    /// <summary>Lets others have the prompt as soon as it is read: its whole pages, which change no more.</summary>
    public void KeepPrompt(PrefixCache prefixes)
    {
        if (!_isKept)
            prefixes.Keep(_sequence!, Ids[..(_sequence!.Length / KvCache.PagePositions * KvCache.PagePositions)]);
        _isKept = true;
    }

    public override void Free()
    {
        base.Free();
        Guesses.Free();
    }
}
