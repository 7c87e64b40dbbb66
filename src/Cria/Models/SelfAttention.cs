using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>Causal grouped-query attention of a batch's rows on the cached keys and values of their own sequences.</summary>
sealed unsafe class SelfAttention(ModelConfig config, KvCache cache, Compute compute) : IDisposable
{
    /// <summary>Rows times heads of a task: enough to pay for reading a block, few enough to stay in the caches.</summary>
    const int TaskQueries = 64;

    readonly List<(int First, int Count)> _runs = [];
    readonly NativeBuffer _scratch = new();

    int Group => config.HeadCount / config.KvHeadCount;

    /// <summary>Cuts the batch into runs of neighbouring rows of one sequence.</summary>
    public void Prepare(ReadOnlySpan<Row> rows)
    {
        _runs.Clear();
        var most = Math.Max(1, TaskQueries / Group);
        for (int first = 0, end; first < rows.Length; first = end)
        {
            for (end = first + 1; end < rows.Length && end < first + most && rows[end].Sequence == rows[first].Sequence;)
                end++;
            _runs.Add((first, end - first));
        }
    }

    /// <summary>output [rows, heads * head size] = attention of the queries q of the same shape.</summary>
    public void Apply(int layer, Row[] rows, Matrix q, Matrix output)
    {
        var scratchSize = (compute.Kernels.AttentionScratch(cache.Format, Math.Max(TaskQueries, Group)) + 63) & ~63;
        var scratch = _scratch.Reserve(scratchSize * compute.Pool.Threads);
        var groupColumns = Group * config.HeadSize;
        compute.Pool.Run(_runs.Count * config.KvHeadCount, (i, thread) =>
        {
            var (run, head) = (_runs[i / config.KvHeadCount], i % config.KvHeadCount);
            var task = new AttentionTask
            {
                Queries = q[run.First] + head * groupColumns,
                Output = output[run.First] + head * groupColumns,
                Stride = q.Columns,
                Rows = run.Count,
                Group = Group,
                Position = rows[run.First].Position,
                Pages = rows[run.First].Sequence.Pages,
                KeyOffset = cache.KeyOffset(layer, head),
                ValueOffset = cache.ValueOffset(layer, head),
            };
            compute.Kernels.Attend(task, cache.Format, scratch + thread * scratchSize);
        });
    }

    public void Dispose() => _scratch.Dispose();
}
