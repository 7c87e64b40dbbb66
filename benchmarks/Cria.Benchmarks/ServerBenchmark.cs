using System.Diagnostics;
using System.Net;
using System.Text;
using Cria.Generation;
using Cria.Server;

namespace Cria.Benchmarks;

/// <summary>
/// `server overhead MODEL|1b:RECIPE [tokens] [rounds]`: tokens/s of one stream through HTTP and of the generator itself, in turns, on one set of weights.
/// `server load [MODEL] [clients] [seconds]`: clients that stream answers and leave at random; errors, waits for the first token, memory before and after.
/// </summary>
static class ServerBenchmark
{
    const int PromptTokens = 16;

    public static Task RunAsync(string[] args) => args switch
    {
        ["overhead", var model, .. var rest] => OverheadAsync(model, Number(rest, 0, 64), Number(rest, 1, 5)),
        ["load", .. var rest] => LoadAsync(rest.Length > 0 ? rest[0] : "pocket", Number(rest, 1, 32), Number(rest, 2, 180)),
        _ => throw new ArgumentException("server overhead MODEL|1b:RECIPE [tokens] [rounds], or server load [MODEL] [clients] [seconds]"),
    };

    static async Task OverheadAsync(string model, int tokens, int rounds)
    {
        var path = model.Split(':') is ["1b", var recipe] ? RandomModel.Kept("1b", recipe) : model;
        await using var server = await CriaServer.StartAsync(new() { Models = [path], Port = 0, Log = LogFormat.Off });
        using var lease = await server.Models.AcquireAsync(null, 1, CancellationToken.None);
        using var http = new HttpClient { BaseAddress = new(server.Url) };
        int[] prompt = [.. Enumerable.Range(100, PromptTokens)];
        var body = $"{{\"prompt\":[{string.Join(',', prompt)}],\"max_tokens\":{tokens},\"temperature\":0,\"logit_bias\":{{\"300\":1000}},\"stream\":true}}";
        var options = new GenerationOptions { MaxTokens = tokens, LogitBias = new Dictionary<int, float> { [300] = 1000 } };
        List<double> direct = [], served = [];
        for (var round = 0; round <= rounds; round++) // the first does not count
        {
            direct.Add(await RateAsync(lease.Generator.GenerateAsync(prompt, options).Select(_ => true)));
            served.Add(await RateAsync(EventsAsync(http, "/v1/completions", body).Where(e => e.Contains("\"text\""))));
        }
        var (inProcess, throughHttp) = (Median(direct.Skip(1)), Median(served.Skip(1)));
        Console.WriteLine(FormattableString.Invariant($"in process {inProcess:0.00} tokens/s, through HTTP {throughHttp:0.00}, ratio {throughHttp / inProcess:0.000} (of pairs {Median(direct.Zip(served, (d, s) => s / d).Skip(1)):0.000})"));
    }

    /// <summary>Items a second behind the first.</summary>
    static async Task<double> RateAsync<T>(IAsyncEnumerable<T> items)
    {
        var (count, started) = (0, 0L);
        await foreach (var _ in items)
            if (count++ == 0)
                started = Stopwatch.GetTimestamp();
        return (count - 1) / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    static async Task LoadAsync(string model, int clients, int seconds)
    {
        // Little is kept of conversations that have ended, so that what memory grows by is a leak.
        await using var server = await CriaServer.StartAsync(new() { Models = [model], Port = 0, Log = LogFormat.Off, Client = new() { Generator = new() { PrefixBytes = 8 << 20 } } });
        using var http = new HttpClient { BaseAddress = new(server.Url), Timeout = TimeSpan.FromMinutes(5) };
        await RunAsync(http, clients, TimeSpan.FromSeconds(Math.Min(20, seconds)), 1); // fills what is cached
        var before = Resident();
        var (answers, left, refused, errors, waits) = await RunAsync(http, clients, TimeSpan.FromSeconds(seconds), 2);
        await Task.Delay(1000);
        var after = Resident();
        var sorted = waits.Select(w => w.Seconds * 1000).Order().ToList();
        var (median, most) = (sorted[sorted.Count / 2], sorted[^1]);
        var ofClients = waits.GroupBy(w => w.Client, w => w.Seconds).Select(Median).ToList();
        Console.WriteLine(FormattableString.Invariant($"{answers} answers read to the end, {left} left, {refused} refused, {errors.Count} errors; first token after {median:0} ms (median), {sorted[sorted.Count * 99 / 100]:0} ms (99 of 100), {most:0} ms (longest, {most / median:0.00} times the median); median of the client that waits longest {ofClients.Max() / Median(ofClients):0.00} times that of the middle one; resident {before >> 20} MB before, {after >> 20} MB after ({(double)after / before:0.000})"));
        foreach (var error in errors.Distinct().Take(5))
            Console.WriteLine(error);
    }

    static async Task<(int Answers, int Left, int Refused, List<string> Errors, List<(int Client, double Seconds)> Waits)> RunAsync(HttpClient http, int clients, TimeSpan time, int seed)
    {
        var (answers, left, refused) = (0, 0, 0);
        List<string> errors = [];
        List<(int Client, double Seconds)> waits = [];
        var gate = new Lock();
        var end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            var random = new Random(100 * seed + client);
            while (Stopwatch.GetTimestamp() < end)
            {
                var words = string.Join(' ', Enumerable.Range(0, random.Next(1, 40)).Select(_ => (char)('a' + random.Next(26))));
                var body = $"{{\"messages\":[{{\"role\":\"user\",\"content\":\"{words}\"}}],\"max_tokens\":{random.Next(20, 200)},\"temperature\":1,\"logit_bias\":{{\"300\":20}},\"stream\":true}}";
                var patience = random.Next(3) == 0 ? random.Next(1, 30) : int.MaxValue;
                var (started, count, wait) = (Stopwatch.GetTimestamp(), 0, 0.0);
                try
                {
                    await foreach (var data in EventsAsync(http, "/v1/chat/completions", body))
                    {
                        wait = count++ == 0 ? Stopwatch.GetElapsedTime(started).TotalSeconds : wait;
                        if (data.Contains("\"error\""))
                            lock (gate)
                                errors.Add(data);
                        if (count > patience)
                            break;
                    }
                    lock (gate)
                    {
                        waits.Add((client, wait));
                        (answers, left) = count > patience ? (answers, left + 1) : (answers + 1, left);
                    }
                }
                catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.TooManyRequests)
                {
                    Interlocked.Increment(ref refused);
                    await Task.Delay(1000);
                }
                catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
                {
                    lock (gate)
                        errors.Add(e.Message);
                }
            }
        })));
        return (answers, left, refused, errors, waits);
    }

    /// <summary>The JSON of a stream's events; leaving the enumeration closes the connection.</summary>
    static async IAsyncEnumerable<string> EventsAsync(HttpClient http, string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        while (await reader.ReadLineAsync() is { } line)
            if (line.StartsWith("data: {", StringComparison.Ordinal))
                yield return line["data: ".Length..];
    }

    static long Resident()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Environment.WorkingSet;
    }

    static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    static int Number(string[] args, int at, int other) => args.Length > at ? int.Parse(args[at]) : other;
}
