using System.Globalization;
using System.Text;
using Cria.Hub;

namespace Cria.Tests.Hub;

public sealed class ModelHubTests : IDisposable
{
    const int Big = 1_000_003;
    readonly TestHub _hub = new();

    public void Dispose() => _hub.Dispose();

    [Fact]
    public async Task ATransformersRepositoryComesOnceAndLiesAsTheCacheOfHuggingFaceDoes()
    {
        var weights = _hub.Add("model.safetensors", Big);
        var config = _hub.Add("config.json", 500);
        foreach (var other in (string[])["tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"])
            _hub.Add(other, other.Length);
        foreach (var not in (string[])["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.safetensors", "original/consolidated.00.pth", "original/params.json", "README.md", "picture.png"])
            _hub.Add(not, 2000 + not.Length);
        var model = await _hub.PullAsync();

        Assert.Equal(["chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"], model.Files.Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal((_hub.Snapshot(""), TestHub.Commit, "org/llama"), (model.Path, model.Commit, model.Name));
        Assert.Equal(model.Bytes, model.BytesFetched);
        Assert.Equal(weights, await File.ReadAllBytesAsync(_hub.Snapshot("model.safetensors"), TestContext.Current.CancellationToken));
        Assert.Equal(config, await File.ReadAllBytesAsync(_hub.Snapshot("config.json"), TestContext.Current.CancellationToken));
        Assert.Equal("../../blobs/" + TestHub.Sha256(weights), new FileInfo(_hub.Snapshot("model.safetensors")).LinkTarget);
        Assert.Equal("../../blobs/" + TestHub.GitHash(config), new FileInfo(_hub.Snapshot("config.json")).LinkTarget);
        Assert.Equal(TestHub.Commit, await File.ReadAllTextAsync(Path.Combine(_hub.Cache, "models--org--llama", "refs", "main"), TestContext.Current.CancellationToken));
        Assert.DoesNotContain(_hub.CacheFiles, f => f.Contains("incomplete", StringComparison.Ordinal) || f.EndsWith(".part", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ALargeFileComesInRangesAndASecondPullFetchesNothing()
    {
        var bytes = _hub.Add("llama-Q4_0.gguf", Big);
        var model = await _hub.PullAsync();
        Assert.Equal(bytes, await File.ReadAllBytesAsync(model.Path, TestContext.Current.CancellationToken));
        Assert.Equal(16, _hub.Storage.Requests.Count(r => r.Range is not null));
        var again = await _hub.PullAsync();
        Assert.Equal((0, Big, model.Path), (again.BytesFetched, again.Bytes, again.Path));
        Assert.Equal(16, _hub.Storage.Requests.Count);
    }

    [Fact]
    public async Task TheTokenGoesToTheHubAndNowhereElse()
    {
        _hub.Add("llama-Q4_0.gguf", Big);
        await _hub.PullAsync();
        Assert.All(_hub.Server.Requests, r => Assert.Equal("Bearer " + TestHub.Token, r.Authorization));
        Assert.NotEmpty(_hub.Storage.Requests);
        Assert.All(_hub.Storage.Requests, r => Assert.Null(r.Authorization));
    }

    [Fact]
    public async Task ARenamedRepositoryIsFollowedWithTheToken()
    {
        _hub.Add("config.json", 100);
        _hub.Intercept = r => r.Path.Contains("/moved/", StringComparison.Ordinal) ? new(307, [], ("Location", r.Path.Replace("/moved/", "/org/", StringComparison.Ordinal))) : null;
        var model = await ModelHub.PullAsync("moved/llama:config.json", _hub.Options, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(_hub.Files["config.json"], await File.ReadAllBytesAsync(model.Path, TestContext.Current.CancellationToken));
        Assert.Null(model.Name);
    }

    [Fact]
    public async Task EndlessRedirectsEnd()
    {
        _hub.Intercept = r => new(302, [], ("Location", r.Path));
        Assert.Contains("redirects more than", await _hub.ErrorOfPullAsync());
    }

    [Fact]
    public async Task CutConnectionsAreGoneOnWithWhereTheyWereCut()
    {
        var bytes = _hub.Add("llama-Q4_0.gguf", Big);
        var (sent, cuts) = (0L, 0);
        _hub.Intercept = r =>
        {
            if (r.Range is not { } range || !r.Path.StartsWith("/llama", StringComparison.Ordinal))
                return null;
            var length = (int)(range.To - range.From);
            var cut = length > 30_000 && Interlocked.Increment(ref cuts) < 40 ? 20_000 : length;
            Interlocked.Add(ref sent, cut);
            return _hub.Send(r, bytes) with { Cut = cut };
        };
        var model = await _hub.PullAsync();
        Assert.Equal(bytes, await File.ReadAllBytesAsync(model.Path, TestContext.Current.CancellationToken));
        Assert.Equal(Big, sent);
        Assert.True(cuts > 20);
    }

    [Fact]
    public async Task APullThatWasStoppedGoesOnAndShowsNothingBefore()
    {
        var bytes = _hub.Add("llama-Q4_0.gguf", Big);
        using var stop = new CancellationTokenSource();
        var reported = 0L;
        var progress = new Listener(p =>
        {
            if (Interlocked.Exchange(ref reported, p.BytesDone) > Big / 3)
                stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ModelHub.PullAsync(_hub.Repository, _hub.Options with { Connections = 1 }, progress, stop.Token));
        Assert.Equal([$"models--org--llama/blobs/{TestHub.Sha256(bytes)}.cria.incomplete"], _hub.CacheFiles);
        Assert.Empty(new HuggingFaceCache(_hub.Cache).List());
        var model = await _hub.PullAsync();
        Assert.InRange(model.BytesFetched, 1, Big * 2 / 3);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(model.Path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AHubThatCutsWithoutAByteIsGivenUpOnAfterBoundedAttempts()
    {
        _hub.Add("llama-Q4_0.gguf", Big);
        _hub.Intercept = r => r.Range is not null ? _hub.Send(r, _hub.Files["llama-Q4_0.gguf"]) with { Cut = 0 } : null;
        Assert.Contains("5 times in a row; the same command goes on from here", await _hub.ErrorOfPullAsync());
        Assert.Equal(5, _hub.Requests.Count(r => r.Range is not null));
    }

    [Fact]
    public async Task AServerWithoutRangesSendsTheWholeFileOnce()
    {
        var bytes = _hub.Add("llama-Q4_0.gguf", Big);
        _hub.HasRanges = false;
        var model = await _hub.PullAsync();
        Assert.Equal(bytes, await File.ReadAllBytesAsync(model.Path, TestContext.Current.CancellationToken));
        Assert.Single(_hub.Storage.Requests);
    }

    [Fact]
    public async Task AWrongHashThrowsTheFileAwayAndNothingIsSeen()
    {
        _hub.Add("llama-Q4_0.gguf", Big);
        var wrong = new byte[Big];
        _hub.Intercept = r => r.Path.StartsWith("/llama", StringComparison.Ordinal) ? _hub.Send(r, wrong) : null;
        Assert.Contains($"what arrived has the hash {TestHub.Sha256(wrong)}", await _hub.ErrorOfPullAsync());
        Assert.Empty(_hub.CacheFiles);
        _hub.Intercept = null;
        Assert.Equal(Big, (await _hub.PullAsync()).BytesFetched);
    }

    [Fact]
    public async Task AWrongGitHashOfASmallFileIsFound()
    {
        _hub.Add("config.json", 100);
        _hub.Intercept = r => r.Method == "GET" && r.Path.EndsWith("config.json", StringComparison.Ordinal) ? new(200, new byte[100]) : null;
        Assert.Contains("what arrived has the hash", await _hub.ErrorOfPullAsync(":config.json"));
        Assert.Empty(_hub.CacheFiles);
    }

    [Fact]
    public async Task WhatHasNoHashIsNamedAsUnverified()
    {
        var bytes = _hub.Add("config.json", 100);
        _hub.Intercept = r => r.Path.EndsWith("config.json", StringComparison.Ordinal) ? new(200, bytes, ("ETag", "W/\"version-1\"")) : null;
        var model = await _hub.PullAsync(":config.json");
        Assert.Equal(["config.json"], model.Unverified);
        Assert.Equal("../../blobs/version-1", new FileInfo(model.Path).LinkTarget);
    }

    [Theory]
    [InlineData(401, "GatedRepo", null, "gated: accept its terms at http://127.0.0.1")]
    [InlineData(403, "GatedRepo", TestHub.Token, "gated and the account of the access token has no access yet: ask for it at http://127.0.0.1")]
    [InlineData(401, "RepoNotFound", null, "no such repository, or it is private or gated")]
    [InlineData(401, null, TestHub.Token, "does not accept the access token")]
    [InlineData(403, null, TestHub.Token, "refuses it to the account of this access token (403)")]
    [InlineData(404, "RepoNotFound", TestHub.Token, "no such repository at 127.0.0.1")]
    [InlineData(404, "RevisionNotFound", TestHub.Token, "there is no revision main")]
    [InlineData(410, null, TestHub.Token, "the hub answers 410")]
    public async Task ARefusalSaysWhatTheUserCanDo(int status, string? code, string? token, string expected)
    {
        _hub.Intercept = _ => code is null ? new(status, []) : new(status, [], ("X-Error-Code", code));
        Assert.Contains(expected, await _hub.ErrorOfPullAsync("", _hub.Options with { Token = token }));
        Assert.Single(_hub.Requests);
    }

    [Fact]
    public async Task AGatedFileIsExplainedToo()
    {
        _hub.Add("llama-Q4_0.gguf", Big);
        _hub.Intercept = r => r.Path.Contains("/resolve/", StringComparison.Ordinal) ? new(403, Encoding.UTF8.GetBytes("Access to model org/llama is restricted")) : null;
        Assert.Contains("org/llama: llama-Q4_0.gguf: ", await _hub.ErrorOfPullAsync());
        Assert.Empty(_hub.CacheFiles);
    }

    [Fact]
    public async Task ABusyHubIsWaitedForAsItAsks()
    {
        _hub.Add("config.json", 100);
        var asked = 0;
        _hub.Intercept = r => Interlocked.Increment(ref asked) switch { 1 => new(429, [], ("Retry-After", "0")), 2 => new(503, []), _ => null };
        await _hub.PullAsync(":config.json");
        Assert.Equal(5, asked); // the list thrice, the file's hash, the file
    }

    [Fact]
    public async Task AHubThatAsksToWaitForHoursIsNotWaitedFor()
    {
        _hub.Intercept = _ => new(429, [], ("Retry-After", "7200"));
        Assert.Contains("too many requests (429) and asks to wait 7200 seconds", await _hub.ErrorOfPullAsync());
        Assert.Single(_hub.Requests);
    }

    [Fact]
    public async Task AHubThatIsNotThereIsToldAtOnce()
    {
        var address = new Uri("http://127.0.0.1:1");
        Assert.StartsWith($"{address}: cannot be reached: ", await _hub.ErrorOfPullAsync("", _hub.Options with { Endpoint = address }));
    }

    [Fact]
    public async Task AHubThatFallsSilentIsLeft()
    {
        using var never = new CancellationTokenSource();
        _hub.Intercept = _ => new(200, []) { After = Task.Delay(Timeout.Infinite, never.Token) };
        Assert.Contains("nothing came for", await _hub.ErrorOfPullAsync("", _hub.Options with { Silence = TimeSpan.FromMilliseconds(50) }));
        await never.CancelAsync();
    }

    [Fact]
    public async Task NothingIsAskedOfAHubWhenTheUserIsOffline()
    {
        Assert.Contains("HF_HUB_OFFLINE", await _hub.ErrorOfPullAsync("", _hub.Options with { Offline = true }));
        Assert.Empty(_hub.Requests);
    }

    [Theory]
    [InlineData("../../../escape-Q4_0.gguf")]
    [InlineData("/escape-Q4_0.gguf")]
    [InlineData("a/../../escape-Q4_0.gguf")]
    [InlineData("a//escape-Q4_0.gguf")]
    [InlineData("C:\\escape-Q4_0.gguf")]
    [InlineData("a\u0000b-Q4_0.gguf")]
    public async Task AFileWhosePathLeavesItsFolderIsRefused(string path)
    {
        _hub.Add(path, 5000);
        Assert.Contains("which is no path inside a folder", await _hub.ErrorOfPullAsync());
        Assert.Empty(_hub.CacheFiles);
    }

    [Theory]
    [InlineData("""{"sha":"../../x","siblings":[]}""", "is no commit")]
    [InlineData("""{"siblings":[]}""", "not what one of Hugging Face's kind answers")]
    [InlineData("""{"sha":"abc","siblings":3}""", "not what one of Hugging Face's kind answers")]
    [InlineData("<html>", "not valid JSON")]
    public async Task AnAnswerThatIsNoneIsRefused(string answer, string expected)
    {
        _hub.Intercept = _ => new(200, Encoding.UTF8.GetBytes(answer));
        Assert.Contains(expected, await _hub.ErrorOfPullAsync());
    }

    [Theory]
    [InlineData("../../../../x")]
    [InlineData("..")]
    [InlineData("a/b")]
    public async Task AHashThatIsAPathIsRefused(string hash)
    {
        _hub.Add("config.json", 100);
        _hub.Intercept = r => r.Path.EndsWith("config.json", StringComparison.Ordinal) ? new(200, new byte[100], ("ETag", $"\"{hash}\"")) : null;
        Assert.Contains("is no hash", await _hub.ErrorOfPullAsync(":config.json"));
    }

    [Fact]
    public async Task AFileLargerThanTheDiskIsRefusedBeforeItIsAskedFor()
    {
        _hub.Add("llama-Q4_0.gguf", Big);
        _hub.Intercept = r => r.Method == "HEAD" ? new(302, [], ("X-Linked-Etag", new string('a', 64)), ("X-Linked-Size", (1L << 43).ToString(CultureInfo.InvariantCulture)), ("Location", "/")) : null;
        Assert.Contains("GB free", await _hub.ErrorOfPullAsync());
        Assert.Empty(_hub.Storage.Requests);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("9223372036854775807")]
    [InlineData("99999999999999999999")]
    public async Task ALengthThatCannotBeIsRefused(string length)
    {
        _hub.Add("llama-Q4_0.gguf", Big);
        _hub.Intercept = r => r.Method == "HEAD" ? new(302, [], ("X-Linked-Etag", new string('a', 64)), ("X-Linked-Size", length), ("Location", "/")) : null;
        if (length.Length < 20)
            Assert.Contains($"the hub says that it has {length} bytes", await _hub.ErrorOfPullAsync());
        else
            Assert.Contains("what arrived", await _hub.ErrorOfPullAsync("", _hub.Options)); // no number: the length of the answer itself counts
        Assert.Empty(_hub.CacheFiles);
    }

    [Fact]
    public async Task AnswersThatAreNoHttpAreFaults()
    {
        var random = new Random(1);
        foreach (var name in (string[])["Location", "ETag", "X-Linked-Etag", "X-Linked-Size", "Retry-After", "Content-Range", "X-Error-Code", "Content-Encoding"])
            foreach (var status in (int[])[200, 206, 302, 401, 404, 429, 99, 1000])
            {
                var noise = new string([.. Enumerable.Range(0, 40).Select(_ => (char)random.Next(0x20, 0x7F))]);
                _hub.Intercept = _ => new(status, Encoding.UTF8.GetBytes(noise), (name, noise));
                await _hub.ErrorOfPullAsync();
            }
        Assert.Empty(_hub.CacheFiles);
    }

    [Fact]
    public async Task VerifyingFindsWhatTheDiskHasLost()
    {
        var bytes = _hub.Add("llama-Q4_0.gguf", Big);
        var model = await _hub.PullAsync();
        await File.WriteAllBytesAsync(model.Path, new byte[Big], TestContext.Current.CancellationToken);
        Assert.Equal(0, (await _hub.PullAsync()).BytesFetched);
        Assert.Equal(Big, (await _hub.PullAsync("", _hub.Options with { Verify = true })).BytesFetched);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(model.Path, TestContext.Current.CancellationToken));
        Assert.Equal(0, (await _hub.PullAsync("", _hub.Options with { Verify = true })).BytesFetched);
    }

    [Fact]
    public async Task AHubMayLieBehindAPathAndKnowTheNewestRevisionOnly()
    {
        _hub.Add("config.json", 100);
        _hub.Intercept = r => r.Path.Contains("/revision/", StringComparison.Ordinal) ? new(404, [])
            : r.Path == "/proxy/api/models/org/llama" ? new(307, [], ("Location", $"/api/models/org/llama/revision%2Fmain"))
            : r.Path.EndsWith("revision%2Fmain", StringComparison.Ordinal) ? new(200, Encoding.UTF8.GetBytes($$"""{"sha":"{{TestHub.Commit}}","siblings":[{"rfilename":"config.json"}]}"""))
            : r.Path.StartsWith("/proxy/", StringComparison.Ordinal) ? new(307, [], ("Location", r.Path["/proxy".Length..])) : null;
        await _hub.PullAsync(":config.json", _hub.Options with { Endpoint = new(_hub.Server.Address, "proxy") });
        Assert.Equal("/proxy/api/models/org/llama/revision/main", _hub.Server.Requests.First().Path);
    }

    [Fact]
    public async Task TwoPullsAtOnceFetchEachFileOnce()
    {
        var bytes = _hub.Add("llama-Q4_0.gguf", Big);
        var models = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => _hub.PullAsync())));
        Assert.Equal(Big, models.Sum(m => m.BytesFetched));
        Assert.Equal(16, _hub.Storage.Requests.Count);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(models[0].Path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task WithoutLinksTheSnapshotHoldsTheFilesThemselves()
    {
        var bytes = _hub.Add("llama-Q4_0.gguf", Big);
        var options = _hub.Options with { Links = false };
        var model = await _hub.PullAsync("", options);
        Assert.Null(new FileInfo(model.Path).LinkTarget);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(model.Path, TestContext.Current.CancellationToken));
        Assert.Equal(0, (await _hub.PullAsync("", options)).BytesFetched);
    }

    [Fact]
    public async Task ABranchAndACommitHaveTheirOwnNames()
    {
        _hub.Add("llama-Q4_0.gguf", 5000);
        var branch = await _hub.PullAsync("@refs/pr/1");
        Assert.Equal(TestHub.Commit, await File.ReadAllTextAsync(Path.Combine(_hub.Cache, "models--org--llama", "refs", "refs", "pr", "1"), TestContext.Current.CancellationToken));
        Assert.Equal(branch.Path, (await _hub.PullAsync("@" + TestHub.Commit)).Path);
        Assert.Single(Directory.EnumerateFiles(Path.Combine(_hub.Cache, "models--org--llama", "refs"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task AnEmptyFileIsAFile()
    {
        _hub.Add("empty.json", 0);
        Assert.Empty(await File.ReadAllBytesAsync((await _hub.PullAsync(":empty.json")).Path, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("not a url")]
    [InlineData("ftp://host")]
    [InlineData("https://user:secret@host")]
    public void AnEndpointThatIsNoneIsRefused(string endpoint) =>
        Assert.StartsWith("HF_ENDPOINT: ", Assert.Throws<CriaException>(() => Environment(("HF_ENDPOINT", endpoint))).Message);

    [Fact]
    public void TheTokenComesFromTheVariableOrTheFile()
    {
        using var folder = new TestModel();
        Assert.Null(Environment(("HF_HOME", folder.Path)).Token);
        File.WriteAllText(folder.File("token"), "hf_file\n");
        Assert.Equal("hf_file", Environment(("HF_HOME", folder.Path)).Token);
        Assert.Equal("hf_variable", Environment(("HF_HOME", folder.Path), ("HF_TOKEN", " hf_variable ")).Token);
        Assert.DoesNotContain("line", Assert.Throws<CriaException>(() => Environment(("HF_TOKEN", "two\nlines"))).Message);
        Assert.Equal(new Uri("http://mirror/hub"), Environment(("HF_ENDPOINT", "http://mirror/hub/")).Endpoint);
    }

    static HubOptions Environment(params (string Name, string Value)[] variables)
    {
        var values = variables.ToDictionary(v => v.Name, v => v.Value);
        return HubOptions.From(values.GetValueOrDefault, ModelFolders.From(values.GetValueOrDefault, "/nowhere"));
    }

    sealed class Listener(Action<HubProgress> report) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => report(value);
    }
}
