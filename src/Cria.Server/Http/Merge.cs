using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Cria.Server.Http;

/// <summary>Several streams as one.</summary>
static class Merge
{
    /// <summary>
    /// The items of all streams as they come, each with the number of its stream. The others begin when the first has given something, so
    /// that they find the beginning they share read. An error of one ends all.
    /// </summary>
    public static async IAsyncEnumerable<(int Stream, T Item)> RunAsync<T>(int count, Func<int, CancellationToken, IAsyncEnumerable<T>> open, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (count == 1) // spares each item a channel and a thread's turn
        {
            await foreach (var item in open(0, cancellation))
                yield return (0, item);
            yield break;
        }
        using var left = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var items = Channel.CreateUnbounded<(int, T)>(new() { SingleReader = true });
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var tasks = Enumerable.Range(0, count).Select(PumpAsync).ToList();
        var all = Task.WhenAll(tasks).ContinueWith(t => items.Writer.Complete(t.Exception?.InnerException), TaskScheduler.Default);
        try
        {
            await foreach (var item in items.Reader.ReadAllAsync(cancellation))
                yield return item;
        }
        finally
        {
            await left.CancelAsync();
            await all;
        }

        async Task PumpAsync(int index)
        {
            try
            {
                if (index > 0)
                    await first.Task.WaitAsync(left.Token);
                await foreach (var item in open(index, left.Token))
                {
                    items.Writer.TryWrite((index, item));
                    first.TrySetResult();
                }
            }
            catch
            {
                await left.CancelAsync();
                throw;
            }
        }
    }
}
