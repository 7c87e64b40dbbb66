namespace Cria.Hub;

/// <summary>
/// Downloads models from a hub of Hugging Face's kind into the cache that its libraries share. This is the only part of Cria that uses a
/// network, and only when it is called.
/// </summary>
public static class ModelHub
{
    const int Questions = 8;

    /// <summary>
    /// Downloads `ORG/NAME[:FILE-or-TYPE][@REV]`. What the cache has is not fetched again, what an earlier attempt left is gone on with, and
    /// no file is seen under its name before it is whole. Any number of processes may do so at once.
    /// </summary>
    /// <param name="name">The repository; without FILE-or-TYPE its transformers model, or its only GGUF.</param>
    /// <param name="options">Those of the environment by default.</param>
    /// <param name="progress">Hears of every piece, from several threads.</param>
    /// <param name="cancellation">Stops it; the same call goes on later.</param>
    /// <exception cref="CriaException">The name, the hub, or what it sent is wrong; or the disk is full.</exception>
    public static async Task<PulledModel> PullAsync(string name, HubOptions? options = null, IProgress<HubProgress>? progress = null, CancellationToken cancellation = default)
    {
        var target = HubName.Parse(name);
        options ??= HubOptions.FromEnvironment();
        if (options.Offline)
            throw new CriaException($"{target.Repository}: HF_HUB_OFFLINE is set, nothing is downloaded");
        try
        {
            return await PullAsync(target, options, progress, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) // of the disk: those of the network are HubFaults
        {
            throw new CriaException($"{target.Repository}: {e.Message}", e);
        }
    }

    static async Task<PulledModel> PullAsync(HubName target, HubOptions options, IProgress<HubProgress>? progress, CancellationToken cancellation)
    {
        using var client = new HubClient(options);
        var cache = new HuggingFaceCache(options.Cache, options.Links);
        var (commit, listed) = await client.FindAsync(target, cancellation).ConfigureAwait(false);
        var chosen = HubSelection.Choose(target, listed);
        if (chosen.FirstOrDefault(f => !HubName.IsSafePath(f)) is { } unsafePath)
            throw new CriaException($"{target.Repository}: a file is called {OneLine.Quote(unsafePath)}, which is no path inside a folder");
        var files = new HubFile[chosen.Count];
        await Parallel.ForEachAsync(Enumerable.Range(0, files.Length), new ParallelOptions { MaxDegreeOfParallelism = Questions, CancellationToken = cancellation },
            async (i, token) => files[i] = await client.DescribeAsync(target, commit, chosen[i], token).ConfigureAwait(false)).ConfigureAwait(false);

        if (options.Verify)
            foreach (var file in files)
                cache.Verify(target.Repository, commit, file, cancellation);
        var missing = files.Where(f => !cache.Has(target.Repository, commit, f)).ToList();
        var total = files.Sum(f => f.Length);
        var there = total - missing.Sum(f => f.Length);
        cache.CheckSpace(target.Repository, missing.DistinctBy(f => f.Hash).Sum(f => f.Length - HubDownload.Kept(f, cache.Blob(target.Repository, f), options.Range)));
        var fetched = 0L;
        foreach (var file in missing)
        {
            using var mine = await cache.LockAsync(target.Repository, file, cancellation).ConfigureAwait(false);
            if (!cache.Has(target.Repository, commit, file)) // another process had the lock until now
            {
                var kept = HubDownload.Kept(file, cache.Blob(target.Repository, file), options.Range);
                await HubDownload.RunAsync(client, target, commit, file, cache.Blob(target.Repository, file), options,
                    done => progress?.Report(new(file.Path, there + done, total)), cancellation).ConfigureAwait(false);
                fetched += file.Length - kept;
            }
            there += file.Length;
            progress?.Report(new(file.Path, there, total));
        }
        // What makes a directory a model comes last: until then nobody takes it for one.
        cache.Link(target.Repository, commit, files.OrderBy(f => Path.GetFileName(f.Path) is "config.json" or "params.json"));
        cache.WriteRef(target.Repository, target.Revision, commit);

        var paths = chosen.Select(f => cache.Snapshot(target.Repository, commit, f)).ToList();
        var path = chosen.Count == 1 ? paths[0] : paths.Find(p => GgufName.Parse(p) is { Part: 1 })
            ?? (chosen[0].StartsWith(target.Selector + "/", StringComparison.Ordinal) ? cache.Snapshot(target.Repository, commit, target.Selector!) : cache.Snapshot(target.Repository, commit));
        return new(cache.List().FirstOrDefault(m => m.Path == path)?.Name, path, commit, paths, total, fetched, [.. files.Where(f => !f.IsVerifiable).Select(f => f.Path)]);
    }
}
