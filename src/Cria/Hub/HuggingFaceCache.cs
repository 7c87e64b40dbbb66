using System.Text;
using Cria.Formats;

namespace Cria.Hub;

/// <summary>
/// The cache that Hugging Face's libraries share: `models--ORG--NAME` with `blobs/HASH`, `snapshots/COMMIT/FILE` (links to blobs) and
/// `refs/BRANCH` (a commit). A snapshot's file exists only once its blob is whole.
/// </summary>
sealed class HuggingFaceCache(string root, bool? links = null)
{
    const string Prefix = "models--", Source = "huggingface";
    static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(200);

    /// <summary>The models of all repositories. A branch other than main and a commit without one stand behind an `@`.</summary>
    public IEnumerable<LocalModel> List()
    {
        if (!Directory.Exists(root))
            yield break;
        foreach (var repository in Directory.EnumerateDirectories(root, Prefix + "*").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(repository)[Prefix.Length..].Replace("--", "/", StringComparison.Ordinal);
            var refs = Refs(repository);
            var snapshots = Path.Combine(repository, "snapshots");
            if (!Directory.Exists(snapshots))
                continue;
            var commits = new DirectoryInfo(snapshots).EnumerateDirectories().OrderByDescending(d => d.LastWriteTimeUtc).Select(d => d.Name).ToList();
            var main = refs.GetValueOrDefault(HubName.DefaultRevision) is { } commit && commits.Contains(commit) ? commit : commits.FirstOrDefault();
            foreach (var snapshot in commits)
            {
                var branch = refs.Where(r => r.Value == snapshot).Select(r => r.Key).Order(StringComparer.Ordinal).FirstOrDefault();
                var revision = snapshot == main ? "" : "@" + (branch ?? snapshot);
                foreach (var model in ModelFiles.OfRepository(name, revision, Path.Combine(snapshots, snapshot), Source))
                    yield return model;
            }
        }
    }

    /// <summary>Branches and tags with their commits.</summary>
    static Dictionary<string, string> Refs(string repository)
    {
        var folder = Path.Combine(repository, "refs");
        var refs = new Dictionary<string, string>();
        if (Directory.Exists(folder))
            foreach (var file in Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 4, IgnoreInaccessible = true }))
                if (ModelFiles.Length(file) is > 0 and <= 64)
                    refs[Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/')] = File.ReadAllText(file).Trim();
        return refs;
    }

    /// <summary>Where the bytes of a file lie.</summary>
    public string Blob(string repository, HubFile file) => Path.Combine(Folder(repository), "blobs", file.Hash);

    /// <summary>Where a commit's files are seen.</summary>
    public string Snapshot(string repository, string commit) => Path.Combine(Folder(repository), "snapshots", commit);

    /// <summary>Where a file of a commit is seen.</summary>
    public string Snapshot(string repository, string commit, string path) => Path.Combine(Snapshot(repository, commit), Path.Combine(path.Split('/')));

    /// <summary>Whether a file is there as a whole.</summary>
    public bool Has(string repository, string commit, HubFile file) =>
        ModelFiles.Length(Blob(repository, file)) == file.Length || ModelFiles.Length(Snapshot(repository, commit, file.Path)) == file.Length;

    /// <summary>Throws a file away whose bytes do not have its hash.</summary>
    public void Verify(string repository, string commit, HubFile file, CancellationToken cancellation)
    {
        foreach (var path in (string[])[Blob(repository, file), Snapshot(repository, commit, file.Path)])
            if (file.IsVerifiable && ModelFiles.Length(path) == file.Length)
            {
                using var handle = File.OpenHandle(path);
                if (file.Compute(handle, cancellation) != file.Hash)
                    File.Delete(path);
            }
    }

    /// <summary>Refuses a download that the disk has no room for.</summary>
    /// <exception cref="CriaException">It has none.</exception>
    public void CheckSpace(string repository, long bytes)
    {
        var free = new DriveInfo(Directory.CreateDirectory(root).FullName).AvailableFreeSpace;
        if (bytes > free)
            throw new CriaException(FormattableString.Invariant($"{repository}: needs {bytes / 1e9:0.00} GB, and the disk of {root} has {free / 1e9:0.00} GB free (HF_HUB_CACHE moves the cache)"));
    }

    /// <summary>Waits until no other process downloads the file; the lock is that of Hugging Face's libraries.</summary>
    public async Task<IDisposable> LockAsync(string repository, HubFile file, CancellationToken cancellation)
    {
        const int Taken = 11, TakenOnMac = 35, TakenOnWindows = unchecked((int)0x80070020);
        Directory.CreateDirectory(Path.Combine(Folder(repository), "blobs"));
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(root, ".locks", Path.GetFileName(Folder(repository)))).FullName, file.Hash + ".lock");
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (e.HResult is Taken or TakenOnMac or TakenOnWindows)
            {
                await Task.Delay(LookAgain, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Makes files of a commit seen: by relative links to their blobs, or where there are no links in place of them.</summary>
    public void Link(string repository, string commit, IEnumerable<HubFile> files)
    {
        var left = files.Where(f => ModelFiles.Length(Snapshot(repository, commit, f.Path)) != f.Length).ToList();
        var canLink = links ?? CanLink();
        for (; left.Count > 0; left.RemoveAt(0))
        {
            var (path, blob) = (Snapshot(repository, commit, left[0].Path), Blob(repository, left[0]));
            var folder = Directory.CreateDirectory(Path.GetDirectoryName(path)!).FullName;
            var aside = $"{path}.{Guid.NewGuid():N}.part";
            if (canLink)
                File.CreateSymbolicLink(aside, Path.GetRelativePath(folder, Path.GetFullPath(blob)));
            else if (left.Skip(1).Any(f => f.Hash == left[0].Hash))
                File.Copy(blob, aside);
            else
                aside = blob;
            File.Move(aside, path, overwrite: true);
        }
    }

    /// <summary>Notes which commit a branch or tag stands for.</summary>
    public void WriteRef(string repository, string revision, string commit)
    {
        if (revision == commit)
            return;
        var path = Path.Combine(Folder(repository), "refs", Path.Combine(revision.Split('/')));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        WholeFile.Write(path, stream => stream.Write(Encoding.ASCII.GetBytes(commit)));
    }

    string Folder(string repository) => Path.Combine(root, Prefix + repository.Replace("/", "--", StringComparison.Ordinal));

    /// <summary>Windows asks for a right that users seldom have; some network drives have no links at all.</summary>
    bool CanLink()
    {
        var probe = Path.Combine(root, $".{Guid.NewGuid():N}.part");
        try
        {
            File.CreateSymbolicLink(probe, "nothing");
            File.Delete(probe);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            return false;
        }
    }
}
