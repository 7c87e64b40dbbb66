using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>Causal grouped-query attention of a batch's rows on the cached keys and values of their own sequences.</summary>
sealed unsafe class SelfAttention(ModelConfig config, KvCache cache, Compute compute) : IDisposable
{
    /// <summary>Rows times heads of a run: enough to pay for reading a block, few enough to stay in the second-level cache.</summary>
    const int RunQueries = 256;

    /// <summary>Rows times heads of a run whose spans of positions may be spread over threads.</summary>
    const int SpreadQueries = 64;

    /// <summary>Tasks a thread should find, so that none waits long for the last.</summary>
    const int TasksPerThread = 8;

    /// <summary>Neighbouring rows of one sequence, the spans they attend to, and where the contributions of these go if they are spread.</summary>
    readonly record struct Run(int First, int Count, int Spans, long Partials);

    /// <summary>Some spans of a run.</summary>
    readonly record struct Task(Run Run, int FirstSpan, int EndSpan);

    readonly List<Run> _runs = [], _spread = [];
    readonly List<Task> _tasks = [];
    readonly NativeBuffer _scratch = new(), _partials = new();

    int Group => config.HeadCount / config.KvHeadCount;

    /// <summary>Cuts the batch into runs and, where these are too few for the threads, the positions they attend to into ranges of spans.</summary>
    public void Prepare(ReadOnlySpan<Row> rows)
    {
        _runs.Clear();
        _spread.Clear();
        _tasks.Clear();
        var most = Math.Max(1, RunQueries / Group);
        for (int first = 0, end; first < rows.Length; first = end)
        {
            for (end = first + 1; end < rows.Length && end < first + most && rows[end].Sequence == rows[first].Sequence;)
                end++;
            _runs.Add(new Run(first, end - first, rows[end - 1].Position / KvFormat.SpanPositions + 1, -1));
        }

        var wanted = (TasksPerThread * compute.Pool.Threads + _runs.Count * config.KvHeadCount - 1) / (_runs.Count * config.KvHeadCount);
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
            partials += (long)config.KvHeadCount * run.Spans * cache.Format.PartialFloats(queries);
        }
        _partials.Reserve(partials);
    }

    /// <summary>output [rows, heads * head size] = attention of the queries q of the same shape.</summary>
    public void Apply(int layer, Row[] rows, Matrix q, Matrix output)
    {
        var scratchSize = (cache.Format.ScratchFloats(Math.Max(RunQueries, Group)) + 63) & ~63;
        var scratch = _scratch.Reserve((long)scratchSize * compute.Pool.Threads);
        compute.Pool.Run(_tasks.Count * config.KvHeadCount, (i, thread) =>
        {
            var task = _tasks[i / config.KvHeadCount];
            cache.Format.Attend(Kernel(task.Run, i % config.KvHeadCount, task.FirstSpan, task.EndSpan), scratch + thread * (nint)scratchSize);
        });
        compute.Pool.Run(_spread.Count * config.KvHeadCount, (i, thread) =>
        {
            var run = _spread[i / config.KvHeadCount];
            cache.Format.Merge(Kernel(run, i % config.KvHeadCount, 0, run.Spans), scratch + thread * (nint)scratchSize);
        });

        AttentionTask Kernel(Run run, int head, int firstSpan, int endSpan)
        {
            var partial = cache.Format.PartialFloats(run.Count * Group);
            return new AttentionTask
            {
                Queries = q[run.First] + head * Group * config.HeadSize,
                Output = output[run.First] + head * Group * config.HeadSize,
                Stride = q.Columns,
                Rows = run.Count,
                Group = Group,
                Position = rows[run.First].Position,
                Pages = rows[run.First].Sequence.Pages,
                KeyOffset = cache.KeyOffset(layer, head),
                ValueOffset = cache.ValueOffset(layer, head),
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
