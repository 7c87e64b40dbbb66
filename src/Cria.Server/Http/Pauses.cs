using System.Runtime.CompilerServices;

namespace Cria.Server.Http;

/// <summary>Streams that notice when nothing happens.</summary>
static class Pauses
{
    /// <summary>The items of a stream; whenever none has come for a time, something else is done.</summary>
    public static async IAsyncEnumerable<T> WithPauses<T>(this IAsyncEnumerable<T> source, TimeSpan time, Func<Task> pause, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var left = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var items = source.GetAsyncEnumerator(left.Token);
        Task<bool>? next = null;
        try
        {
            while (true)
            {
                next = items.MoveNextAsync().AsTask();
                while (!next.IsCompleted)
                {
                    await ((Task)next).WaitAsync(time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    if (!next.IsCompleted)
                        await pause();
                }
                if (!await next)
                    yield break;
                yield return items.Current;
            }
        }
        finally
        {
            await left.CancelAsync();
            await (next ?? Task.CompletedTask).ContinueWith(_ => { }, TaskScheduler.Default); // an iterator cannot be left while it runs
            await items.DisposeAsync();
        }
    }
}
