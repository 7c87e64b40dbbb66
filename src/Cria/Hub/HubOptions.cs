namespace Cria.Hub;

/// <summary>Where <see cref="ModelHub"/> downloads from and to, and as whom.</summary>
public sealed record HubOptions
{
    /// <summary>The public hub, where HF_ENDPOINT names no other.</summary>
    public static Uri PublicHub { get; } = new("https://huggingface.co");

    /// <summary>The hub; a path in it is kept, as proxies of a company have.</summary>
    public Uri Endpoint { get; init; } = PublicHub;

    /// <summary>The access token, for gated and private repositories. It goes to <see cref="Endpoint"/> only, never to where that redirects.</summary>
    public string? Token { get; init; }

    /// <summary>The folder of the cache.</summary>
    public required string Cache { get; init; }

    /// <summary>Ranges of a large file under way at once.</summary>
    public int Connections { get; init; } = 8;

    /// <summary>Whether the files that are there already are read and checked against their hashes, and fetched again where these are wrong.</summary>
    public bool Verify { get; init; }

    /// <summary>Whether the user forbids every request (HF_HUB_OFFLINE).</summary>
    public bool Offline { get; init; }

    /// <summary>How often a request may fail, without a byte in between, before the pull gives up.</summary>
    internal int Attempts { get; init; } = 5;

    /// <summary>The pause after the first failure; it doubles from one to the next.</summary>
    internal TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A hub that asks to wait longer is not waited for.</summary>
    internal TimeSpan LongestPause { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a hub may send nothing.</summary>
    internal TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Bytes of a range, at least.</summary>
    internal long Range { get; init; } = 16 << 20;

    /// <summary>Whether the cache's file system has symbolic links; found out where null.</summary>
    internal bool? Links { get; init; }

    /// <summary>The options of the environment: HF_ENDPOINT, HF_TOKEN or the token's file, HF_HUB_OFFLINE, and the cache's place.</summary>
    /// <exception cref="CriaException">A variable cannot be used.</exception>
    public static HubOptions FromEnvironment() => From(Environment.GetEnvironmentVariable, ModelFolders.FromEnvironment());

    internal static HubOptions From(Func<string, string?> environment, ModelFolders folders)
    {
        var endpoint = PublicHub;
        if (environment("HF_ENDPOINT") is { Length: > 0 } text
            && (!Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out endpoint!) || endpoint.Scheme is not ("https" or "http") || endpoint.UserInfo is not ""))
            throw new CriaException($"HF_ENDPOINT: {OneLine.Quote(text)} is no http or https address");
        return new()
        {
            Endpoint = endpoint,
            Token = ReadToken(environment, folders.TokenFile),
            Cache = folders.HuggingFace,
            Offline = environment("HF_HUB_OFFLINE")?.ToUpperInvariant() is "1" or "TRUE" or "YES" or "ON",
        };
    }

    static string? ReadToken(Func<string, string?> environment, string file)
    {
        const int MaxLength = 1 << 10;
        foreach (var variable in (string[])["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
            if (environment(variable)?.Trim() is { Length: > 0 } token)
                return Check(variable, token);
        if (ModelFiles.Length(file) is > 0 and <= MaxLength && File.ReadAllText(file).Trim() is { Length: > 0 } stored)
            return Check(file, stored);
        return null;

        // The token itself is never shown.
        static string Check(string source, string token) => token.Length <= MaxLength && token.All(c => c is > ' ' and <= '~') ? token
            : throw new CriaException($"{source}: no access token: it has spaces or other characters that a header cannot carry");
    }
}
