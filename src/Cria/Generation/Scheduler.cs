using System.Diagnostics;
using System.Runtime.InteropServices;
using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// The one thread that uses the model. Each step is one forward pass over the next token of every running conversation and a
/// bounded number of prompt tokens, shared evenly by the conversations whose prompts are being read; so nobody waits for a long
/// prompt. Because of batch invariance none of this changes a text. Without work the thread sleeps.
/// </summary>
sealed class Scheduler : IDisposable
{
    const int MaxConversations = 64; // in one step; where there are more, they take turns

    readonly TextModel _model;
    readonly Thread _thread;
    readonly List<Conversation> _active = [];
    readonly List<Row> _rows = [];
    readonly PromptBudget _budget = new();
    float[] _logits = [];
    int _turn;

    // Guarded by _gate:
    readonly object _gate = new();
    readonly List<Conversation> _incoming = [];
    List<Conversation> _step = []; // those whom the running step serves
    CancellationTokenSource _futile = new();
    bool _stopping;

    public Scheduler(TextModel model)
    {
        _model = model;
        _thread = new Thread(Run) { IsBackground = true, Name = "cria scheduler" };
        _thread.Start();
    }

    /// <summary>Takes a conversation in. Thread-safe.</summary>
    /// <exception cref="ObjectDisposedException">The scheduler has ended.</exception>
    public void Add(Conversation conversation)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, typeof(Generator));
            _incoming.Add(conversation);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Drops a conversation; a step that serves nobody else is cut short. Thread-safe.</summary>
    public void Abandon(Conversation conversation)
    {
        conversation.Abandon();
        lock (_gate)
            CancelFutileStep();
    }

    /// <summary>Ends all conversations with an error and returns when the model is no longer used. Thread-safe.</summary>
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
        {
            Sweep();
            if (_active.Count > 0)
                Step();
        }
        FailAll(() => new ObjectDisposedException(nameof(Generator)));
    }

    /// <summary>Waits for work and takes it in; false at the end.</summary>
    bool Admit()
    {
        lock (_gate)
        {
            while (_active.Count + _incoming.Count == 0 && !_stopping)
                Monitor.Wait(_gate);
            _active.AddRange(_incoming);
            _incoming.Clear();
            return !_stopping;
        }
    }

    void Step()
    {
        try
        {
            var (step, promptRows) = Compose();
            var due = step.FindAll(c => c.IsDueAfterStep);
            var size = _model.Config.VocabularySize;
            if (_logits.Length < due.Count * size)
                _logits = GC.AllocateUninitializedArray<float>(due.Count * size);
            var started = Stopwatch.GetTimestamp();
            _model.Forward(CollectionsMarshal.AsSpan(_rows), _logits.AsSpan(0, due.Count * size), Begin(step));
            _budget.Learn(promptRows, Stopwatch.GetElapsedTime(started));
            _model.Workers.Run(due.Count, (i, _) => due[i].Choose(_logits.AsSpan(i * size, size)));
            due.ForEach(c => c.Publish());
        }
        catch (OperationCanceledException) when (_futile.IsCancellationRequested)
        {
            // All whom the step served have left, or the end has come: the next round sees to it.
        }
        catch (Exception e)
        {
            FailAll(() => e is CriaException ? new CriaException(e.Message, e) : new CriaException($"the model failed: {e.Message}", e));
        }
        finally
        {
            Begin([]);
        }
    }

    /// <summary>Fills <see cref="_rows"/>; gives those it serves, in the order of the rows, and the number of prompt tokens.</summary>
    (List<Conversation> Step, int PromptRows) Compose()
    {
        _rows.Clear();
        var count = Math.Min(_active.Count, MaxConversations);
        // Whoever has least left to read comes first; what it does not need of its share goes to the others.
        var step = Enumerable.Range(_turn, count).Select(i => _active[i % _active.Count]).OrderBy(c => c.Unread).ToList();
        _turn = (_turn + count) % _active.Count;
        var readers = step.Count(c => c.Unread > 0);
        var promptRows = 0;
        foreach (var conversation in step)
        {
            var isReader = conversation.Unread > 0;
            var added = conversation.AddRows(_model, _rows, isReader ? Math.Max(1, (_budget.Rows - promptRows) / readers--) : 0);
            promptRows += isReader ? added : 0;
        }
        return (step, promptRows);
    }

    /// <summary>Says whom the step serves; the token is cancelled when they have all left.</summary>
    CancellationToken Begin(List<Conversation> step)
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

    /// <summary>Lets go of conversations that are over.</summary>
    void Sweep() => _active.RemoveAll(c =>
    {
        if (c.IsOver)
            c.Free();
        return c.IsOver;
    });

    void FailAll(Func<Exception> error)
    {
        foreach (var conversation in _active)
            conversation.Fail(error());
        _active.Clear();
    }
}
