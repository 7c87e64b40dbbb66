using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Cria.Hub;

/// <summary>
/// Speaks to a hub: what a revision holds, a file's hash and length, and its bytes. Redirects are followed here so that the token stays
/// with the endpoint. Safe from any number of threads.
/// </summary>
sealed class HubClient(HubOptions options) : IDisposable
{
    const int MaxRedirects = 10, MaxFiles = 100_000;
    const long MaxListing = 16 << 20, MaxLength = 1L << 44;

    readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Timeout.InfiniteTimeSpan };
    volatile bool _reached;

    public void Dispose() => _http.Dispose();

    /// <summary>The commit that a revision stands for, and the paths of its files.</summary>
    /// <exception cref="CriaException">There is no such repository or revision, or the user may not see it.</exception>
    public Task<(string Commit, IReadOnlyList<string> Files)> FindAsync(HubName name, CancellationToken cancellation) =>
        RetryAsync(name.Repository, async () =>
        {
            var repository = Address("api/models/" + name.Repository);
            using var response = await SendAsync(HttpMethod.Get, new($"{repository}/revision/{Uri.EscapeDataString(name.Revision)}"), null, cancellation);
            // Some mirrors know the newest revision only.
            using var newest = response.StatusCode == HttpStatusCode.NotFound && Header(response, "X-Error-Code") is null && name.Revision == HubName.DefaultRevision
                ? await SendAsync(HttpMethod.Get, repository, null, cancellation) : null;
            await CheckAsync(newest ?? response, name, null, cancellation);
            return await ReadListingAsync(newest ?? response, name.Repository, cancellation);
        }, null, cancellation);

    /// <summary>The hash and the length of a file.</summary>
    /// <exception cref="CriaException">There is no such file, or the hub does not say these.</exception>
    public Task<HubFile> DescribeAsync(HubName name, string commit, string path, CancellationToken cancellation) =>
        RetryAsync(path, async () =>
        {
            using var response = await SendAsync(HttpMethod.Head, Resolve(name, commit, path), null, cancellation, stopAtHash: true);
            if (Header(response, "X-Linked-Etag") is null)
                await CheckAsync(response, name, path, cancellation);
            var hash = (Header(response, "X-Linked-Etag") ?? Header(response, "ETag") ?? throw new CriaException($"{path}: the hub names no ETag")).Replace("W/", "", StringComparison.Ordinal).Trim('"');
            if (hash.Length is 0 or > 128 || !HubName.IsSafePath(hash) || hash.Contains('/'))
                throw new CriaException($"{path}: the hub's ETag {OneLine.Quote(hash)} is no hash");
            var length = long.TryParse(Header(response, "X-Linked-Size"), out var linked) ? linked : response.Content.Headers.ContentLength;
            return length is >= 0 and <= MaxLength ? new HubFile(path, length.Value, hash)
                : throw new CriaException($"{path}: the hub says {(length is null ? "nothing of its length" : $"that it has {length} bytes")}");
        }, null, cancellation);

    /// <summary>The answer to a request for the bytes from one offset up to another: 206 with these, or 200 with the whole file.</summary>
    /// <exception cref="HubFault">It may work later.</exception>
    public async Task<HttpResponseMessage> OpenAsync(HubName name, string commit, HubFile file, long from, long to, CancellationToken cancellation)
    {
        var range = from == 0 && to == file.Length ? null : new RangeHeaderValue(from, to - 1);
        var response = await SendAsync(HttpMethod.Get, Resolve(name, commit, file.Path), range, cancellation);
        try
        {
            await CheckAsync(response, name, file.Path, cancellation);
            var sent = response.StatusCode == HttpStatusCode.PartialContent ? response.Content.Headers.ContentRange : null;
            if (response.StatusCode == HttpStatusCode.PartialContent && (sent?.From != from || (sent.Length ?? file.Length) != file.Length))
                throw new HubFault($"asked for bytes {from} to {to - 1} of {file.Length} the hub sent {sent}");
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>Repeats what fails with a <see cref="HubFault"/>, with growing pauses or those the hub asks for; progress in between starts the count again.</summary>
    public async Task<T> RetryAsync<T>(string what, Func<Task<T>> attempt, Func<long>? progress, CancellationToken cancellation)
    {
        var (failures, seen) = (0, progress?.Invoke() ?? 0);
        while (true)
        {
            HubFault fault;
            try
            {
                return await attempt();
            }
            catch (HubFault e)
            {
                fault = e;
            }
            if (progress?.Invoke() is { } now && now > seen)
                (failures, seen) = (0, now);
            if (!_reached)
                throw new CriaException($"{options.Endpoint}: cannot be reached: {fault.Message}", fault);
            if (++failures == options.Attempts)
                throw new CriaException($"{what}: {fault.Message}, {failures} times in a row; the same command goes on from here", fault);
            var pause = fault.Wait ?? options.Pause * Math.Pow(2, failures - 1);
            if (pause > options.LongestPause)
                throw new CriaException($"{what}: {fault.Message} and asks to wait {pause.TotalSeconds:0} seconds; the same command goes on from here", fault);
            await Task.Delay(pause, cancellation);
        }
    }

    /// <summary>Reads the next bytes of a body; 0 at its end.</summary>
    /// <exception cref="HubFault">The connection broke, or nothing came for too long.</exception>
    public Task<int> ReadAsync(Stream body, Memory<byte> buffer, CancellationToken cancellation) =>
        GuardAsync(token => body.ReadAsync(buffer, token).AsTask(), cancellation);

    Uri Address(string path) => new(options.Endpoint.AbsoluteUri.TrimEnd('/') + "/" + path);

    Uri Resolve(HubName name, string commit, string path) =>
        Address($"{name.Repository}/resolve/{commit}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}");

    async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri address, RangeHeaderValue? range, CancellationToken cancellation, bool stopAtHash = false)
    {
        for (var hop = 0; hop <= MaxRedirects; hop++)
        {
            using var request = new HttpRequestMessage(method, address);
            request.Headers.UserAgent.ParseAdd("cria");
            request.Headers.AcceptEncoding.ParseAdd("identity");
            request.Headers.Range = range;
            if (options.Token is { } token && IsEndpoint(address))
                request.Headers.Authorization = new("Bearer", token);
            var response = await GuardAsync(t => _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, t), cancellation);
            _reached = true;
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location || (stopAtHash && Header(response, "X-Linked-Etag") is not null))
                return response;
            response.Dispose();
            if (!Uri.TryCreate(address, location, out var next) || next.Scheme is not ("https" or "http") || (address.Scheme == "https" && next.Scheme != "https"))
                throw new CriaException($"{address.Host}: redirects to {OneLine.Cut(location.OriginalString)}, which is not https");
            address = next;
        }
        throw new CriaException($"{address.Host}: redirects more than {MaxRedirects} times");
    }

    bool IsEndpoint(Uri address) => address.Scheme == options.Endpoint.Scheme && address.Host == options.Endpoint.Host && address.Port == options.Endpoint.Port;

    /// <summary>Waits for the network, though not for ever, and tells its failures from all others.</summary>
    async Task<T> GuardAsync<T>(Func<CancellationToken, Task<T>> wait, CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(options.Silence);
        try
        {
            return await wait(silence.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new HubFault($"nothing came for {options.Silence.TotalSeconds:0} seconds", inner: e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new HubFault(OneLine.Clean((e.InnerException ?? e).Message).TrimEnd('.'), inner: e);
        }
    }

    static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.First() : null;

    /// <summary>Passes success; says what else means for the user.</summary>
    async Task CheckAsync(HttpResponseMessage response, HubName name, string? path, CancellationToken cancellation)
    {
        if (response.IsSuccessStatusCode)
            return;
        var what = path is null ? name.Repository : $"{name.Repository}: {path}";
        var status = (int)response.StatusCode;
        if (status is 408 or 429 or >= 500)
            throw new HubFault($"{(status == 429 ? "the hub has had too many requests" : "the hub fails")} ({status})", Wait(response));
        var code = Header(response, "X-Error-Code") ?? "";
        var page = $"{options.Endpoint.AbsoluteUri.TrimEnd('/')}/{name.Repository}";
        var gated = code == "GatedRepo" || (status is 401 or 403 && await IsGatedAsync(response, cancellation));
        throw new CriaException((status, code, options.Token) switch
        {
            (401 or 403, _, null) when gated => $"{what}: the repository is gated: accept its terms at {page}, then give an access token of that account in HF_TOKEN",
            (401 or 403, _, _) when gated => $"{what}: the repository is gated and the account of the access token has no access yet: ask for it at {page}",
            (401, _, null) => $"{what}: there is no such repository, or it is private or gated: check the name, or give an access token in HF_TOKEN",
            (401, _, _) => $"{what}: the hub does not accept the access token (HF_TOKEN or the token's file), or there is no such repository",
            (403, _, _) => $"{what}: the hub refuses it to {(options.Token is null ? "requests without an access token: give one in HF_TOKEN" : "the account of this access token")} (403)",
            (404, "RevisionNotFound", _) => $"{name.Repository}: there is no revision {name.Revision}",
            (404, "EntryNotFound", _) when path is not null => $"{what}: there is no such file",
            (404, _, _) => path is null ? $"{what}: there is no such repository at {options.Endpoint.Host}, or no revision {name.Revision} of it" : $"{what}: there is no such file",
            _ => $"{what}: the hub answers {status} {OneLine.Cut(response.ReasonPhrase ?? "")}".TrimEnd(),
        });
    }

    /// <summary>Hubs that are not the public one say it in the text only.</summary>
    async Task<bool> IsGatedAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var message = Header(response, "X-Error-Message");
        if (message is null)
        {
            var buffer = new byte[1 << 12];
            using var body = await response.Content.ReadAsStreamAsync(cancellation);
            message = System.Text.Encoding.UTF8.GetString(buffer, 0, await ReadAsync(body, buffer, cancellation));
        }
        return message.Contains("gated", StringComparison.OrdinalIgnoreCase) || message.Contains("restricted", StringComparison.OrdinalIgnoreCase);
    }

    static TimeSpan? Wait(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - DateTimeOffset.UtcNow is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
        _ => null,
    };

    async Task<(string Commit, IReadOnlyList<string> Files)> ReadListingAsync(HttpResponseMessage response, string repository, CancellationToken cancellation)
    {
        using var body = await response.Content.ReadAsStreamAsync(cancellation);
        using var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (await ReadAsync(body, buffer, cancellation) is > 0 and var read)
        {
            bytes.Write(buffer, 0, read);
            if (bytes.Length > MaxListing)
                throw new CriaException($"{repository}: the hub's list of files is longer than {MaxListing} bytes");
        }
        try
        {
            using var json = JsonDocument.Parse(bytes.GetBuffer().AsMemory(0, (int)bytes.Length));
            var commit = json.RootElement.GetProperty("sha").GetString() ?? "";
            var files = json.RootElement.GetProperty("siblings").EnumerateArray().Take(MaxFiles).Select(s => s.GetProperty("rfilename").GetString() ?? "").Distinct().ToList();
            return commit.Length is > 0 and <= 64 && commit.All(char.IsAsciiLetterOrDigit) ? (commit, files)
                : throw new CriaException($"{repository}: the hub's sha {OneLine.Quote(commit)} is no commit");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new CriaException($"{repository}: the hub's answer is not what one of Hugging Face's kind answers: {OneLine.Show(e)}", e);
        }
    }
}
