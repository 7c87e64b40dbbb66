namespace Cria.Hub;

/// <summary>
/// The cache that Hugging Face's libraries share: `models--ORG--NAME` with `blobs/HASH`, `snapshots/COMMIT/FILE` (links to blobs) and
/// `refs/BRANCH` (a commit). A snapshot's file exists only once its blob is whole.
/// </summary>
sealed class HuggingFaceCache(string root)
{
    const string Prefix = "models--", Source = "huggingface";

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
}
