using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Cria.Hub;

namespace Cria.Tests.Hub;

/// <summary>A hub of Hugging Face's kind on the loopback: large files are redirected to a second server, as the public hub does.</summary>
sealed class TestHub : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567", Token = "hf_secret";

    /// <summary>From here on a file is stored apart and named by its SHA-256.</summary>
    const int Large = 1000;

    readonly TestModel _folder = new();

    public TestHub(string repository = "org/llama")
    {
        Repository = repository;
        Storage = new(r => Intercept?.Invoke(r) ?? Send(r, Files[Uri.UnescapeDataString(r.Path[1..])]));
        Server = new(r => Intercept?.Invoke(r) ?? Answer(r));
    }

    public string Repository { get; }

    /// <summary>The hub itself.</summary>
    public TestServer Server { get; }

    /// <summary>Where the large files are.</summary>
    public TestServer Storage { get; }

    public Dictionary<string, byte[]> Files { get; } = [];

    /// <summary>An answer in place of the usual one, of both servers.</summary>
    public Func<WireRequest, WireAnswer?>? Intercept { get; set; }

    /// <summary>Whether the storage sends parts of files.</summary>
    public bool HasRanges { get; set; } = true;

    public string Cache => _folder.File("hub");

    public HubOptions Options => new()
    {
        Endpoint = Server.Address,
        Cache = Cache,
        Token = Token,
        Range = 1 << 16,
        Pause = TimeSpan.FromMilliseconds(5),
        Silence = TimeSpan.FromSeconds(20),
    };

    public IEnumerable<WireRequest> Requests => Server.Requests.Concat(Storage.Requests);

    public void Dispose()
    {
        Server.Dispose();
        Storage.Dispose();
        _folder.Dispose();
    }

    public byte[] Add(string path, int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return Files[path] = bytes;
    }

    public Task<PulledModel> PullAsync(string selector = "", HubOptions? options = null) =>
        ModelHub.PullAsync(Repository + selector, options ?? Options, cancellation: TestContext.Current.CancellationToken);

    public async Task<string> ErrorOfPullAsync(string selector = "", HubOptions? options = null)
    {
        var error = await Assert.ThrowsAsync<CriaException>(() => PullAsync(selector, options));
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain(Token, error.Message);
        return error.Message;
    }

    /// <summary>Every file of the cache by its path inside; locks left out.</summary>
    public IReadOnlyList<string> CacheFiles => !Directory.Exists(Cache) ? [] : [.. Directory.EnumerateFiles(Cache, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        .Select(f => Path.GetRelativePath(Cache, f)).Where(f => !f.StartsWith(".locks", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public string Snapshot(string file) => Path.Combine(Cache, "models--org--llama", "snapshots", Commit, file);

    public static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public static string GitHash(byte[] bytes) => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {bytes.Length}\0")), .. bytes]));

    WireAnswer Answer(WireRequest request)
    {
        var listing = $"/api/models/{Repository}/revision/";
        if (request.Path.StartsWith(listing, StringComparison.Ordinal) && request.Path[listing.Length..] is "main" or Commit or "refs%2Fpr%2F1")
            return new(200, Encoding.UTF8.GetBytes(new JsonObject
            {
                ["sha"] = Commit,
                ["siblings"] = new JsonArray([.. Files.Keys.Select(f => new JsonObject { ["rfilename"] = f })]),
            }.ToJsonString()), ("Content-Type", "application/json"));
        var resolve = $"/{Repository}/resolve/{Commit}/";
        if (!request.Path.StartsWith(resolve, StringComparison.Ordinal) || !Files.TryGetValue(Uri.UnescapeDataString(request.Path[resolve.Length..]), out var bytes))
            return new(404, [], ("X-Error-Code", request.Path.StartsWith(resolve, StringComparison.Ordinal) ? "EntryNotFound" : "RepoNotFound"));
        return bytes.Length < Large ? Send(request, bytes, ("ETag", $"\"{GitHash(bytes)}\""), ("X-Repo-Commit", Commit))
            : new(302, [], ("Location", new Uri(Storage.Address, request.Path[resolve.Length..]).AbsoluteUri), ("X-Linked-Etag", $"\"{Sha256(bytes)}\""),
                ("X-Linked-Size", bytes.Length.ToString(CultureInfo.InvariantCulture)), ("X-Repo-Commit", Commit), ("ETag", "\"pointer\""));
    }

    public WireAnswer Send(WireRequest request, byte[] bytes, params (string, string)[] headers) => request.Range is { } range && HasRanges
        ? new(206, bytes[(int)range.From..(int)range.To], [("Content-Range", string.Create(CultureInfo.InvariantCulture, $"bytes {range.From}-{range.To - 1}/{bytes.Length}")), .. headers])
        : new(200, bytes, headers);
}
