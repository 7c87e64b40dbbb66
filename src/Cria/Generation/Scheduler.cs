using System.Diagnostics;
using System.Runtime.InteropServices;
using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// The one thread that uses the model. Each step is one forward pass over the next token of every running conversation, guesses of
/// what follows, and a bounded number of prompt tokens, shared evenly by the requests whose texts are being read; so nobody
/// waits for a long text. Images are read a little before each step. Because of batch invariance none of this changes a text. Without work the thread sleeps.
/// </summary>
sealed class Scheduler : IDisposable
{
    /// <summary>Guesses are added up to this many rows of tokens: beyond that a row costs what it would cost in a step of its own.</summary>
    const int GuessingRows = 16;

    readonly TextModel _model;
    readonly GeneratorOptions _options;
    readonly Thread _thread;
    readonly Admission _admission;
    readonly ImageStore _images;
    readonly DraftModel? _draft;
    readonly List<Row> _rows = [];
    readonly PromptBudget _budget = new();
    readonly GuessCost _cost = new();
    float[] _logits = [], _states = [];

    // Guarded by _gate:
    readonly object _gate = new();
    readonly List<Request> _incoming = [];
    readonly List<Action<PrefixCache, ImageStore>> _orders = [];
    List<Request> _step = []; // those whom the running step serves
    CancellationTokenSource _futile = new();
    int _present;
    bool _stopping;

    /// <param name="model">The model.</param>
    /// <param name="options">Complete.</param>
    public Scheduler(TextModel model, GeneratorOptions options)
    {
        (_model, _options, _admission, _images) = (model, options, new(model, options), new(model, options.ImageBytes!.Value));
        _draft = options.Draft is { } draft ? new(draft) : null;
        _thread = new Thread(Run) { IsBackground = true, Name = "cria scheduler" };
        _thread.Start();
    }

    /// <summary>Bytes of the cached prefixes. Thread-safe.</summary>
    public long PrefixBytes => _admission.Prefixes.Bytes;

    /// <summary>Takes a request in, until <see cref="Abandon"/>. Thread-safe.</summary>
    /// <exception cref="CriaException">Too many wait.</exception>
    /// <exception cref="ObjectDisposedException">The scheduler has ended.</exception>
    public void Add(Request request)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, typeof(Generator));
            if (_present >= (long)_options.MaxConversations + _options.MaxQueue)
                throw new CriaException($"{_present} requests run or wait, and no more may: {_options.MaxConversations} at once and {_options.MaxQueue} in the queue");
            _present++;
            _incoming.Add(request);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Drops a request; a step that serves nobody else is cut short. Thread-safe.</summary>
    public void Abandon(Request request)
    {
        request.Abandon();
        lock (_gate)
        {
            _present--;
            CancelFutileStep();
        }
    }

    /// <summary>Does something with what is kept of texts and images between two steps. Thread-safe.</summary>
    /// <exception cref="ObjectDisposedException">The scheduler has ended.</exception>
    public Task RunAsync(Action<PrefixCache, ImageStore> order)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, typeof(Generator));
            _orders.Add((prefixes, images) =>
            {
                try
                {
                    order(prefixes, images);
                    done.SetResult();
                }
                catch (Exception e)
                {
                    done.SetException(e);
                }
            });
            Monitor.Pulse(_gate);
        }
        return done.Task;
    }

    /// <summary>Ends all requests with an error and returns when the model is no longer used. Thread-safe.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
            _futile.Cancel();
        }
        _thread.Join();
    }

    void Run()
    {
        while (Admit())
            Step();
        _images.Fail(() => new ObjectDisposedException(nameof(Generator)));
        _admission.Fail(() => new ObjectDisposedException(nameof(Generator)), all: true);
        _admission.Dispose();
        _images.Dispose();
    }

    /// <summary>Waits for work and takes it in; false at the end.</summary>
    bool Admit()
    {
        Action<PrefixCache, ImageStore>[] orders;
        bool goesOn;
        lock (_gate)
        {
            while (_admission.IsIdle && _images.IsIdle && _incoming.Count + _orders.Count == 0 && !_stopping)
                Monitor.Wait(_gate);
            _admission.Add(_incoming.Where(request => request.MissingImage is null));
            _incoming.FindAll(request => request.MissingImage is not null).ForEach(_images.Add);
            _incoming.Clear();
            orders = [.. _orders];
            _orders.Clear();
            goesOn = !_stopping;
        }
        foreach (var order in orders)
            order(_admission.Prefixes, _images);
        return goesOn;
    }

    void Step()
    {
        try
        {
            _admission.Add(_images.Advance());
            _admission.Prepare();
            if (_admission.Active.Count == 0)
                return;
            // Whoever has least left to read comes first; what it does not need of its share goes to the others.
            var step = _admission.Active.OrderBy(c => c.Unread).ToList();
            var futile = Begin(step);
            Guess([.. step.OfType<Conversation>()], futile);
            var promptRows = Compose(step);
            var due = step.Where(r => r is not EmbeddingRequest && r.DueRows > 0).ToList();
            var embeddings = step.OfType<EmbeddingRequest>().ToList();
            int[] starts = [0, .. due.Select(r => r.DueRows)];
            for (var i = 1; i < starts.Length; i++)
                starts[i] += starts[i - 1];
            var (size, width) = (_model.Config.VocabularySize, _model.Config.HiddenSize);
            var logits = Reserve(ref _logits, starts[^1] * size);
            var states = Reserve(ref _states, embeddings.Sum(e => e.DueRows) * width);
            var started = Stopwatch.GetTimestamp();
            _model.Forward(CollectionsMarshal.AsSpan(_rows), logits.Span, states.Span, futile);
            var taken = Stopwatch.GetElapsedTime(started);
            var guesses = due.OfType<Conversation>().Sum(c => c.Guesses.Ids.Count);
            _budget.Learn(promptRows, taken);
            _cost.Learn(_rows.Count - guesses, guesses, taken);
            _model.Workers.Run(due.Count, (i, _) => due[i].Take(logits.Slice(starts[i] * size, due[i].DueRows * size).Span));
            foreach (var request in due)
            {
                if (request is Conversation conversation)
                {
                    conversation.Settle(_cost.Value);
                    conversation.KeepPrompt(_admission.Prefixes);
                }
                Publish(request);
            }
            foreach (var embedding in embeddings)
            {
                embedding.Take(states.Span[..(embedding.DueRows * width)]);
                states = states[(embedding.DueRows * width)..];
                Publish(embedding);
            }
        }
        catch (OperationCanceledException) when (_futile.IsCancellationRequested)
        {
            // All whom the step served have left, or the end has come: the next round sees to it.
        }
        catch (Exception e)
        {
            _admission.Fail(() => e is CriaException ? new CriaException(e.Message, e) : new CriaException($"the model failed: {e.Message}", e), all: false);
        }
        finally
        {
            Begin([]);
        }
    }

    /// <summary>Hands over what has come; the memory goes back before the last of it.</summary>
    void Publish(Request request)
    {
        if (request.IsOver)
            _admission.Release(request);
        request.Publish();
    }

    static Memory<float> Reserve(ref float[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<float>(length);
        return buffer.AsMemory(0, length);
    }

    /// <summary>Guesses for those that write.</summary>
    void Guess(List<Conversation> step, CancellationToken futile)
    {
        var writers = step.Count(c => c.Unread == 1);
        var most = writers == 0 ? 0 : Math.Max(0, (GuessingRows - writers) / writers);
        var drafted = new List<(Conversation, int)>();
        foreach (var conversation in step)
        {
            conversation.Guesses.Ids.Clear();
            var count = conversation.Unread == 1 ? conversation.Guesses.Wanted(Math.Min(most, conversation.MostGuesses)) : 0;
            if (count > 0 && conversation.Foresee(count))
                continue;
            if (conversation.Guesses.Kind == Speculation.Lookup)
                conversation.Guesses.LookUp(conversation.Ids, count);
            else if (conversation.Guesses.Kind == Speculation.Draft)
                drafted.Add((conversation, count));
        }
        _draft?.Guess(drafted, _budget.Rows, futile);
    }

    /// <summary>Fills <see cref="_rows"/> in the order of the requests; gives the number of prompt tokens.</summary>
    int Compose(List<Request> step)
    {
        _rows.Clear();
        var readers = step.Count(c => c.Unread > 1);
        var promptRows = 0;
        foreach (var request in step)
        {
            var isReader = request.Unread > 1;
            var added = request.AddRows(_rows, isReader ? Math.Max(1, (_budget.Rows - promptRows) / readers--) : 1);
            promptRows += isReader ? added : 0;
        }
        return promptRows;
    }

    /// <summary>Says whom the step serves; the token is cancelled when they have all left.</summary>
    CancellationToken Begin(List<Request> step)
    {
        lock (_gate)
        {
            if (_futile.IsCancellationRequested && !_stopping)
                _futile = new();
            _step = step;
            CancelFutileStep();
            return _futile.Token;
        }
    }

    void CancelFutileStep()
    {
        if (_step.Count > 0 && _step.TrueForAll(c => c.IsAbandoned))
            _futile.Cancel();
    }
}
