using Cria.Kernels;

namespace Cria.Models;

/// <summary>
/// Grouped-query attention of the rows of a batch, cut into runs of neighbouring rows that attend to the same pages and spread over the threads. One run
/// after another is added, then every layer is computed.
/// </summary>
sealed unsafe class AttentionRuns(KvFormat format, int headCount, int kvHeadCount, Compute compute) : IDisposable
{
    /// <summary>Rows times heads of a run: enough to pay for reading a block, few enough to stay in the second-level cache.</summary>
    const int RunQueries = 256;

    /// <summary>Rows times heads of a run whose spans of positions may be spread over threads.</summary>
    const int SpreadQueries = 64;

    /// <summary>Tasks a thread should find, so that none waits long for the last.</summary>
    const int TasksPerThread = 8;

    /// <summary>Rows, what they attend to, its spans, and where the contributions of these go if they are spread.</summary>
    readonly record struct Run(int First, int Count, AttentionPart[] Parts, int Spans, long Partials);

    /// <summary>Some spans of a run.</summary>
    readonly record struct Task(Run Run, int FirstSpan, int EndSpan);

    readonly List<Run> _runs = [], _spread = [];
    readonly List<Task> _tasks = [];
    readonly NativeBuffer _scratch = new(), _partials = new();

    int Group => headCount / kvHeadCount;

    /// <summary>Forgets the runs of the last batch.</summary>
    public void Clear() => _runs.Clear();

    /// <summary>Adds rows [first, first + count); the parts say what the first of them sees.</summary>
    public void Add(int first, int count, params ReadOnlySpan<AttentionPart> parts)
    {
        var most = Math.Max(1, RunQueries / Group);
        for (var at = 0; at < count; at += most)
        {
            var rows = Math.Min(most, count - at);
            var own = parts.ToArray();
            for (var i = 0; i < own.Length; i++)
                own[i] = own[i] with { Position = own[i].Position + at * own[i].Step };
            _runs.Add(new Run(first + at, rows, own, own.Sum(p => p.Spans(rows)), -1));
        }
    }

    /// <summary>Where runs are too few for the threads, cuts the positions they attend to into ranges of spans.</summary>
    public void Schedule()
    {
        _spread.Clear();
        _tasks.Clear();
        if (_runs.Count == 0)
            return;
        var wanted = (TasksPerThread * compute.Pool.Threads + _runs.Count * kvHeadCount - 1) / (_runs.Count * kvHeadCount);
        var partials = 0L;
        foreach (var run in _runs)
        {
            var queries = run.Count * Group;
            var ranges = queries > SpreadQueries ? 1 : Math.Min(run.Spans, wanted);
            var placed = run with { Partials = ranges == 1 ? -1 : partials };
            for (var i = 0; i < ranges; i++)
                _tasks.Add(new Task(placed, i * run.Spans / ranges, (i + 1) * run.Spans / ranges));
            if (ranges == 1)
                continue;
            _spread.Add(placed);
            partials += (long)kvHeadCount * run.Spans * format.PartialFloats(queries);
        }
        _partials.Reserve(partials);
    }

    /// <summary>output [rows, heads * head size] = attention of the queries q of the same shape; rows of no run stay as they are.</summary>
    /// <param name="offset">Where in a page the keys of the layer's first head lie; its values follow, then the next head.</param>
    /// <param name="q">The queries.</param>
    /// <param name="output">Gets the result.</param>
    public void Apply(nint offset, Matrix q, Matrix output)
    {
        var headSize = format.HeadSize;
        var scratchSize = (format.ScratchFloats(Math.Max(RunQueries, Group)) + 63) & ~63;
        var scratch = _scratch.Reserve((long)scratchSize * compute.Pool.Threads);
        compute.Pool.Run(_tasks.Count * kvHeadCount, (i, thread) =>
        {
            var task = _tasks[i / kvHeadCount];
            format.Attend(Kernel(task.Run, i % kvHeadCount, task.FirstSpan, task.EndSpan), scratch + thread * (nint)scratchSize);
        });
        compute.Pool.Run(_spread.Count * kvHeadCount, (i, thread) =>
        {
            var run = _spread[i / kvHeadCount];
            format.Merge(Kernel(run, i % kvHeadCount, 0, run.Spans), scratch + thread * (nint)scratchSize);
        });

        AttentionTask Kernel(Run run, int head, int firstSpan, int endSpan)
        {
            var partial = format.PartialFloats(run.Count * Group);
            var keys = offset + head * (nint)(format.KeyBytes + format.ValueBytes);
            return new AttentionTask
            {
                Queries = q[run.First] + head * Group * headSize,
                Output = output[run.First] + head * Group * headSize,
                Stride = q.Columns,
                Rows = run.Count,
                Group = Group,
                Parts = run.Parts,
                KeyOffset = keys,
                ValueOffset = keys + format.KeyBytes,
                FirstSpan = firstSpan,
                EndSpan = endSpan,
                Partials = run.Partials < 0 ? null : _partials.Reserve(0) + run.Partials + ((nint)head * run.Spans + firstSpan) * partial,
            };
        }
    }

    public void Dispose()
    {
        _scratch.Dispose();
        _partials.Dispose();
    }
}
