using Cria.Kernels;
using CsCheck;

namespace Cria.Tests.Kernels;

public sealed class WorkerPoolTests
{
    [Fact]
    public void EveryChunkRunsExactlyOnceInOneOfTheThreads() =>
        Gen.Select(Gen.Int[1, 5], Gen.Int[0, 40].Array[1, 60]).Sample((threads, regions) =>
        {
            using var pool = new WorkerPool(threads);
            foreach (var chunks in regions)
            {
                var runs = new int[chunks];
                pool.Run(chunks, (chunk, thread) =>
                {
                    Assert.InRange(thread, 0, threads - 1);
                    Interlocked.Increment(ref runs[chunk]);
                });
                Assert.All(runs, n => Assert.Equal(1, n));
            }
        }, iter: 30);

    [Fact]
    public void MoreChunksThanARegionHoldsRunToo()
    {
        using var pool = new WorkerPool(2);
        var runs = new int[200_000];
        pool.Run(runs.Length, (chunk, _) => Interlocked.Increment(ref runs[chunk]));
        Assert.DoesNotContain(runs, n => n != 1);
    }

    [Fact]
    public void SleepingThreadsWakeForTheNextRegion()
    {
        using var pool = new WorkerPool(3);
        for (var i = 0; i < 5; i++)
        {
            Assert.True(SpinWait.SpinUntil(() => pool.Sleeping == 2, TimeSpan.FromSeconds(30)));
            using var everyone = new Barrier(3);
            pool.Run(3, (_, _) => everyone.SignalAndWait()); // passes only with three threads at work
        }
    }

    [Fact]
    public void TheFirstExceptionOfAChunkReachesTheCallerAndThePoolGoesOn()
    {
        using var pool = new WorkerPool(3);
        for (var i = 0; i < 20; i++)
        {
            var done = 0;
            var thrown = Assert.Throws<InvalidOperationException>(() => pool.Run(10, (chunk, _) =>
            {
                Interlocked.Increment(ref done);
                if (chunk == 7)
                    throw new InvalidOperationException("chunk 7");
            }));
            Assert.Equal("chunk 7", thrown.Message);
            Assert.Equal(10, done);
        }
    }
}
