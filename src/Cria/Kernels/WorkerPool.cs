using System.Runtime.ExceptionServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Cria.Kernels;

/// <summary>
/// Persistent threads that run one region after another. A region is a number of chunks, claimed one by one through a ticket; it
/// ends when all chunks are done, so a thread that the system has put aside delays nothing but the chunk it holds. Idle threads
/// spin for a moment, because the next region usually follows at once, and then sleep. One caller at a time.
/// </summary>
sealed class WorkerPool : IDisposable
{
    const int WorkerSpins = 20_000, CallerSpins = 300;
    const int MaxChunks = ushort.MaxValue; // of one region

    readonly Thread[] _workers;
    readonly SemaphoreSlim _wake = new(0);

    /// <summary>Region number (32 bits), chunks (16), next chunk to claim (16). A claim succeeds only in the region it was read in.</summary>
    ulong _ticket;
    Action<int, int>? _body;
    int _done, _sleepers;
    bool _stopping;
    Exception? _fault;

    /// <param name="threads">Threads in all, the caller's included; null for as many as the process may use.</param>
    public WorkerPool(int? threads = null)
    {
        _workers = new Thread[Math.Max(1, threads ?? Environment.ProcessorCount) - 1];
        for (var i = 0; i < _workers.Length; i++)
        {
            var number = i + 1;
            _workers[i] = new Thread(() => Work(number)) { IsBackground = true, Name = "cria worker " + number };
            _workers[i].Start();
        }
    }

    /// <summary>Threads that sleep at this moment.</summary>
    public int Sleeping => Volatile.Read(ref _sleepers);

    /// <summary>Threads that take part, the caller's included.</summary>
    public int Threads => _workers.Length + 1;

    /// <summary>
    /// Runs <paramref name="body"/>(chunk, thread) for every chunk in [0, <paramref name="chunks"/>), thread in [0, <see cref="Threads"/>),
    /// and returns when all are done. The first exception of a chunk is thrown here.
    /// </summary>
    public void Run(int chunks, Action<int, int> body)
    {
        if (_workers.Length == 0 || chunks <= 1)
        {
            for (var chunk = 0; chunk < chunks; chunk++)
                body(chunk, 0);
            return;
        }
        for (var first = 0; first < chunks; first += MaxChunks)
            RunRegion(Math.Min(MaxChunks, chunks - first), first == 0 ? body : From(first, body));
    }

    static Action<int, int> From(int first, Action<int, int> body) => (chunk, thread) => body(first + chunk, thread);

    void RunRegion(int chunks, Action<int, int> body)
    {
        _body = body;
        Volatile.Write(ref _done, 0);
        var region = (_ticket >> 32) + 1;
        Interlocked.Exchange(ref _ticket, region << 32 | (ulong)chunks << 16);
        Wake(chunks - 1);

        while (RunOneChunk(thread: 0)) { }
        for (var spins = 0; Volatile.Read(ref _done) < chunks; spins++)
        {
            if (spins < CallerSpins)
                Pause();
            else
                Thread.Yield();
        }
        if (_fault is { } first)
        {
            _fault = null;
            ExceptionDispatchInfo.Throw(first);
        }
    }

    /// <summary>Claims and runs a chunk of the current region; false if none is left.</summary>
    bool RunOneChunk(int thread)
    {
        while (true)
        {
            var seen = Volatile.Read(ref _ticket);
            var chunk = (int)(seen & 0xFFFF);
            if (chunk >= (int)(seen >> 16 & 0xFFFF))
                return false;
            // Written before the ticket was: it belongs to the region seen, or the claim below fails.
            var run = _body!;
            if (Interlocked.CompareExchange(ref _ticket, seen + 1, seen) != seen)
                continue;
            try
            {
                run(chunk, thread);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _fault, e, null);
            }
            Interlocked.Increment(ref _done);
            return true;
        }
    }

    void Work(int thread)
    {
        while (true)
        {
            for (var spins = 0; spins < WorkerSpins; spins++)
            {
                if (RunOneChunk(thread))
                    spins = 0;
                Pause();
            }
            // Announced first, then looked again: a region published in between either finds the sleeper or is seen here.
            Interlocked.Increment(ref _sleepers);
            if ((RunOneChunk(thread) || Volatile.Read(ref _stopping)) && TryTake(ref _sleepers, 1) == 1)
            {
                if (Volatile.Read(ref _stopping))
                    return;
                continue;
            }
            _wake.Wait();
            if (Volatile.Read(ref _stopping))
                return;
        }
    }

    /// <summary>Wakes up to <paramref name="most"/> of the sleeping threads.</summary>
    void Wake(int most)
    {
        if (Volatile.Read(ref _sleepers) > 0 && TryTake(ref _sleepers, most) is > 0 and var taken)
            _wake.Release(taken);
    }

    /// <summary>Takes up to <paramref name="most"/> from a count that never goes below zero; what was taken.</summary>
    static int TryTake(ref int count, int most)
    {
        while (true)
        {
            var seen = Volatile.Read(ref count);
            var taken = Math.Min(seen, most);
            if (taken == 0 || Interlocked.CompareExchange(ref count, seen - taken, seen) == seen)
                return taken;
        }
    }

    static void Pause()
    {
        if (X86Base.IsSupported)
            X86Base.Pause();
        else if (ArmBase.IsSupported)
            ArmBase.Yield();
    }

    public void Dispose()
    {
        Volatile.Write(ref _stopping, true);
        Interlocked.MemoryBarrier();
        Wake(int.MaxValue);
        foreach (var worker in _workers)
            worker.Join();
        _wake.Dispose();
    }
}
