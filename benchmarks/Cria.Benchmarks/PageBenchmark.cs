using System.Diagnostics;
using System.Globalization;
using Cria.Server;
using Microsoft.Playwright;

namespace Cria.Benchmarks;

/// <summary>
/// `page MODEL [size] [recipe] [layers]`: what somebody waits for in the web chat, in a real Chromium, before a random vision model with the vocabulary of MODEL: from
/// Send to the first text of the answer on the screen, for a picture of four tiles, for a second question about it, and for the same file in a new conversation.
/// </summary>
static class PageBenchmark
{
    const int Side = 1120, AnswerTokens = 24;

    /// <summary>Ends at the first frame that shows text of a new answer; gives the seconds since Send was pressed.</summary>
    const string FirstText = """
        () => new Promise(done => {
          const messages = document.getElementById('messages'), answers = messages.querySelectorAll('.assistant').length;
          let sent;
          document.getElementById('send').addEventListener('click', () => sent = performance.now(), { capture: true, once: true });
          new MutationObserver((_, observer) => {
            const body = messages.querySelectorAll('.assistant')[answers]?.querySelector('.body:not(:has(.reading))');
            if (!body?.textContent.trim())
              return;
            observer.disconnect();
            requestAnimationFrame(() => done((performance.now() - sent) / 1000));
          }).observe(messages, { childList: true, subtree: true, characterData: true });
        })
        """;

    public static async Task RunAsync(string[] args)
    {
        if (args.Length == 0)
            throw new CriaException("page MODEL [size] [recipe] [layers]");
        var (size, recipe) = (args.ElementAtOrDefault(1) ?? "11b-vision", args.ElementAtOrDefault(2) ?? "q4_k");
        var path = RandomModel.Kept(size, recipe, args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : null, tokenizer: args[0]);
        var started = Stopwatch.GetTimestamp();
        await using var server = await CriaServer.StartAsync(new() { Models = [path], Port = 0, Log = LogFormat.Off });
        Console.WriteLine($"{path}, {new FileInfo(path).Length / 1e9:f2} GB, {Environment.ProcessorCount} processors; loaded in {Stopwatch.GetElapsedTime(started).TotalSeconds:f1} s");

        using var playwright = await Playwright.CreateAsync();
        using var chromium = new Chromium();
        await using var browser = await playwright.Chromium.ConnectOverCDPAsync(await chromium.AddressAsync());
        var page = await browser.NewPageAsync();
        page.SetDefaultTimeout(600_000);
        await page.GotoAsync(server.Url);
        await page.EvaluateAsync($$"""localStorage.setItem('cria.settings', '{"temperature":"0","max_completion_tokens":"{{AnswerTokens}}"}')""");
        await page.ReloadAsync();
        await page.Locator("#attach").WaitForAsync();

        var photo = ImageBenchmark.Photo(Side, Side);
        await AttachAsync();
        var first = await AskAsync("What is in this picture?");
        var second = await AskAsync("Which of its colours is the brightest?");
        await page.Keyboard.PressAsync("Alt+n");
        await AttachAsync();
        var again = await AskAsync("Describe the shapes.");
        Console.WriteLine($"second / first {second / first:f3} (1 to {first / second:f1}), new conversation / first {again / first:f3} (1 to {first / again:f1}); asked: at most 0.2");

        Task AttachAsync() => page.Locator("#files").SetInputFilesAsync(new FilePayload { Name = "photo.jpg", MimeType = "image/jpeg", Buffer = photo });

        async Task<double> AskAsync(string question)
        {
            await page.Locator("#prompt").FillAsync(question);
            var shown = page.EvaluateAsync<double>(FirstText);
            await page.Locator("#send").ClickAsync();
            var seconds = await shown;
            await page.Locator("#messages > .assistant:last-child[aria-busy=false] .stats").WaitForAsync();
            Console.WriteLine($"{question} first text on the screen after {seconds:f2} s; {await page.Locator(".assistant .stats").Last.TextContentAsync()}");
            return seconds;
        }
    }

    /// <summary>
    /// A browser of this process's own session. Playwright would give it one of its own, where whatever holds back other programs while times are measured would
    /// hold it back too.
    /// </summary>
    sealed class Chromium : IDisposable
    {
        readonly string _profile = Directory.CreateTempSubdirectory("cria-benchmark-").FullName;
        readonly Process _process;

        public Chromium() => _process = Process.Start(new ProcessStartInfo(Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium",
            ["--headless", "--no-sandbox", "--remote-debugging-port=0", $"--user-data-dir={_profile}"])
        {
            RedirectStandardError = true,
        })!;

        public async Task<string> AddressAsync()
        {
            const string Mark = "DevTools listening on ";
            while (await _process.StandardError.ReadLineAsync() is { } line)
                if (line.StartsWith(Mark, StringComparison.Ordinal))
                    return line[Mark.Length..];
            throw new CriaException("Chromium does not start");
        }

        public void Dispose()
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
            _process.Dispose();
            Directory.Delete(_profile, recursive: true);
        }
    }
}
