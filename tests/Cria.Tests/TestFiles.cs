namespace Cria.Tests;

/// <summary>Where the repository and the shared recordings are.</summary>
static class TestFiles
{
    /// <summary>The repository's root: the nearest folder above the test binary that holds Cria.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of recordings beside the repository, or null where it is absent.</summary>
    static string? Shared { get; } = Environment.GetEnvironmentVariable("CRIA_SHARED") is { Length: > 0 } given ? given
        : Directory.Exists(Path.Combine(Root, "..", "shared", "golden")) ? Path.GetFullPath(Path.Combine(Root, "..", "shared")) : null;

    /// <summary>A path inside ../shared/golden; skips the running test where the recordings are absent.</summary>
    public static string Golden(params string[] parts)
    {
        Assert.SkipWhen(Shared is null, "../shared/golden is not on this machine");
        return Path.Combine([Shared!, "golden", .. parts]);
    }

    static string FindRoot()
    {
        for (var d = new DirectoryInfo(AppContext.BaseDirectory); d is not null; d = d.Parent)
            if (File.Exists(Path.Combine(d.FullName, "Cria.slnx")))
                return d.FullName;
        throw new InvalidOperationException("Cria.slnx not found above " + AppContext.BaseDirectory);
    }
}
