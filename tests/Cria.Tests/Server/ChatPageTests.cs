using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Cria.Tests.Server;

/// <summary>The web chat in a real browser: Debian's Chromium, or the one that CHROMIUM names.</summary>
public sealed partial class ChatPageTests(ChatPageTests.Browser browser, RunningServer server, ChatPageTests.VisionServer vision)
    : IClassFixture<ChatPageTests.Browser>, IClassFixture<RunningServer>, IClassFixture<ChatPageTests.VisionServer>
{
    const string Long = """{"temperature":"0","max_completion_tokens":"4000","system":""}""";

    /// <summary>`luminance(color)`, and `behind(element)` of the colour that it is painted on.</summary>
    const string Luminance = """
        const luminance = color => {
          const [r, g, b] = color.match(/[\d.]+/g).slice(0, 3).map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
          return .2126 * r + .7152 * g + .0722 * b;
        };
        const behind = e => {
          const color = getComputedStyle(e).backgroundColor;
          return color.startsWith('rgba') && color.endsWith(', 0)') && e.parentElement ? behind(e.parentElement) : luminance(color);
        };
        """;

    static readonly string[] Injections = [
        "<script>window.hacked = 1</script>",
        "<img src=x onerror=\"window.hacked = 1\">",
        "[click](javascript:window.hacked=1)",
        "[click](java\tscript:window.hacked=1) <javascript:window.hacked=1>",
        "![x](x\" onerror=\"window.hacked=1)",
        "```\"><script>window.hacked = 1</script>\nx\n```",
        "| <b onclick=window.hacked=1>a</b> | b |\n|---|---|\n| <svg/onload=window.hacked=1> | c |",
        "> <iframe srcdoc=\"<script>parent.hacked = 1</script>\">\n- <style>body{display:none}</style>",
        "# <a href=\"javascript:window.hacked=1\">x</a>\n**<form action=/x><button>x**",
    ];

    [Fact]
    public async Task AnAnswerIsStreamedShownAndKept()
    {
        var page = await OpenAsync();
        Assert.True(await page.Locator("#welcome").IsVisibleAsync());
        await Shot(page, "welcome");
        await SendAsync(page, "Who are you?");
        await WaitForAnswerAsync(page);
        Assert.False(await page.Locator("#welcome").IsVisibleAsync());
        Assert.Contains("pocket", await Answer(page).TextContentAsync());
        Assert.Matches(@"\d+ tokens · [\d.]+ tokens/s", await page.Locator(".assistant .stats").TextContentAsync());
        Assert.Matches(@"^\d+ of 4096$", await page.Locator("#used").TextContentAsync());
        Assert.Equal("Who are you?", await page.Locator("#conversations .open").TextContentAsync());
        await Shot(page, "answer");

        await page.ReloadAsync();
        Assert.Contains("pocket", await Answer(page).TextContentAsync());
        Assert.Equal("Who are you?", await page.Locator(".user .body").TextContentAsync());

        await SendAsync(page, "What can you do?");
        await WaitForAnswerAsync(page);
        Assert.Equal(2, await page.Locator(".assistant").CountAsync());

        await page.Keyboard.PressAsync("Alt+n");
        Assert.Equal(0, await page.Locator(".message").CountAsync());
        await page.Locator("#conversations .open").First.ClickAsync();
        Assert.Equal(4, await page.Locator(".message").CountAsync());
        await page.Locator("#conversations button[aria-label^=Delete]").ClickAsync();
        Assert.Equal(0, await page.Locator(".message").CountAsync());
        Assert.Equal(0, await page.Locator("#conversations li").CountAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnAnswerCanBeStopped(bool byKey)
    {
        var page = await OpenAsync(Long);
        await page.RouteAsync("**/v1/chat/completions", async route =>
        {
            // The letter e for ever, as far as a test goes.
            var body = JsonSerializer.Deserialize<Dictionary<string, object>>(route.Request.PostData!)!;
            body["logit_bias"] = new Dictionary<string, int> { ["68"] = 100 };
            await route.ContinueAsync(new() { PostData = JsonSerializer.SerializeToUtf8Bytes(body) });
        });
        await SendAsync(page, "Go on");
        await Assertions.Expect(Answer(page)).ToContainTextAsync(new Regex(".{20}"));
        Assert.True(await page.Locator("#stop").IsVisibleAsync());
        if (byKey)
            await page.Keyboard.PressAsync("Escape");
        else
            await page.Locator("#stop").ClickAsync();
        await WaitForAnswerAsync(page);
        Assert.Contains("stopped", await page.Locator(".assistant .stats").TextContentAsync());
        var kept = await Answer(page).TextContentAsync();
        await page.ReloadAsync();
        Assert.Equal(kept, await Answer(page).TextContentAsync());
        Assert.True(kept!.Length is > 20 and < 4000);
    }

    [Fact]
    public async Task AnAnswerIsWrittenAgainAndAMessageEditedBesideTheFirst()
    {
        var page = await OpenAsync();
        await SendAsync(page, "Who are you?");
        await WaitForAnswerAsync(page);
        await page.Locator(".assistant").GetByText("Regenerate").ClickAsync();
        await WaitForAnswerAsync(page);
        Assert.Contains("2/2", await page.Locator(".assistant .bar").TextContentAsync());
        await page.Locator(".assistant").GetByLabel("Earlier version").ClickAsync();
        Assert.Contains("1/2", await page.Locator(".assistant .bar").TextContentAsync());

        await page.Locator(".user").GetByText("Edit").ClickAsync();
        await page.GetByLabel("Edited message", new() { Exact = true }).FillAsync("What is two plus three?");
        await page.Keyboard.PressAsync("Enter");
        await WaitForAnswerAsync(page);
        Assert.Equal("What is two plus three?", await page.Locator(".user .body").TextContentAsync());
        Assert.Contains("2/2", await page.Locator(".user .bar").TextContentAsync());
        Assert.DoesNotContain("/", await page.Locator(".assistant .bar button").AllTextContentsAsync());

        await page.Locator(".user").GetByLabel("Earlier version").ClickAsync();
        Assert.Equal("Who are you?", await page.Locator(".user .body").TextContentAsync());
        Assert.Contains("1/2", await page.Locator(".assistant .bar").TextContentAsync());
        await page.ReloadAsync();
        Assert.Contains("1/2", await page.Locator(".user .bar").TextContentAsync());
    }

    [Fact]
    public async Task ToolCallsAreShownAndAnswered()
    {
        var page = await OpenAsync();
        await page.Locator("#settings-open").ClickAsync();
        await page.Locator("[name=tools]").FillAsync("""[{"type":"function","function":{"name":"get_weather","description":"The weather in a city","parameters":{"type":"object","properties":{"city":{"type":"string","description":"The city"}},"required":["city"]}}}]""");
        await page.Locator("[name=temperature]").FillAsync("0");
        await Shot(page, "settings");
        await page.GetByText("Close").ClickAsync();
        await SendAsync(page, "What is the weather in Rome?");
        await WaitForAnswerAsync(page);
        Assert.Contains("get_weather", await page.Locator(".call strong").TextContentAsync());
        Assert.Contains("\"city\": \"Rome\"", await page.Locator(".call pre").TextContentAsync());
        await page.GetByLabel("Result of get_weather").FillAsync("sunny, 31 degrees");
        await page.GetByText("Send result").ClickAsync();
        await WaitForAnswerAsync(page);
        Assert.Equal(2, await page.Locator(".assistant").CountAsync());
        Assert.NotEmpty((await page.Locator(".assistant .body").Last.TextContentAsync())!);
        await Shot(page, "tools");
    }

    [Fact]
    public async Task TheSpeedIsWhatTheServerSays()
    {
        var page = await OpenAsync();
        await ReplyAsync(page, "Hello");
        await SendAsync(page, "Hello");
        await WaitForAnswerAsync(page);
        Assert.Contains("12.5 tokens/s", await page.Locator(".assistant .stats").TextContentAsync());
    }

    [Fact]
    public async Task LightAndDarkCanBeChosenAndBothAreLegible()
    {
        var page = await OpenAsync();
        await ReplyAsync(page, "Some [link](https://example.org) and `code`.\n\n> said");
        await SendAsync(page, "Hello");
        await WaitForAnswerAsync(page);
        foreach (var (theme, isDark) in new[] { ("light", false), ("dark", true), ("auto", false) })
        {
            await page.Locator("#theme").ClickAsync();
            await page.ReloadAsync();
            await page.Locator(".assistant .stats").WaitForAsync();
            Assert.Equal(theme, await page.EvaluateAsync<string>("document.documentElement.dataset.theme"));
            // The luminance of what is behind the page, and what has too little contrast by WCAG 2.2 (1.4.3: 4.5 to 1).
            Assert.Equal(isDark, await page.EvaluateAsync<double>($"() => {{ {Luminance} return behind(document.body); }}") < 0.2);
            Assert.Empty(await page.EvaluateAsync<string[]>($$"""
                () => {
                  {{Luminance}}
                  return [...document.querySelectorAll('button, p, a, code, blockquote, .body, .stats, #used, label, h1, h2')].filter(e => e.offsetParent && e.textContent.trim()).flatMap(e => {
                    const [a, b] = [luminance(getComputedStyle(e).color), behind(e)].sort((a, b) => b - a);
                    return (a + .05) / (b + .05) < 4.5 ? [`${e.outerHTML.slice(0, 60)} ${(a + .05) / (b + .05)}`] : [];
                  });
                }
                """));
        }
    }

    [Fact]
    public async Task SettingsThatAreNoJsonAreNotTaken()
    {
        var page = await OpenAsync();
        await page.Locator("#settings-open").ClickAsync();
        await page.Locator("[name=tools]").FillAsync("[");
        await page.GetByText("Close").ClickAsync();
        Assert.Equal("The tools are not JSON.", await page.Locator("#settings-error").TextContentAsync());
        Assert.True(await page.Locator("#settings").IsVisibleAsync());
    }

    [Fact]
    public async Task WhatAModelWritesIsNeverCode()
    {
        var page = await OpenAsync();
        var violations = new List<string>();
        page.Console += (_, message) => violations.Add(message.Text);
        foreach (var reply in Injections)
        {
            await page.UnrouteAllAsync();
            await ReplyAsync(page, reply);
            await SendAsync(page, reply);
            await WaitForAnswerAsync(page);
            Assert.Equal("undefined", await page.EvaluateAsync<string>("typeof window.hacked"));
            Assert.Equal(0, await page.Locator("#messages :is(script, img, iframe, style, svg, form, object, embed, [onclick], [onerror], [onload])").CountAsync());
            Assert.All(await page.Locator("#messages a").EvaluateAllAsync<string[]>("links => links.map(a => a.href)"), href => Assert.Matches("^(https?|mailto):", href));
            Assert.Equal(reply, await page.Locator(".user .body").Last.TextContentAsync());
        }
        Assert.Equal(Injections.Length, await page.Locator(".assistant").CountAsync());
        Assert.Empty(violations); // the page does not even try what its policy forbids
    }

    [Fact]
    public async Task MarkdownIsShownAsWhatItMeans()
    {
        var page = await OpenAsync();
        await ReplyAsync(page, """
            # Title *slanted*

            Some **bold**, `code <b>` and a [link](https://example.org/a_(b)), https://example.org/x. 2 * 3 * 4, snake_case_name.

            1. one
            2. two
               - inner
               - more

            > said

            | a | b |
            |---|---|
            | 1 | `2` |

            ```csharp
            var x = new List<int>();

            # no title
            ```
            """);
        await SendAsync(page, "Show me");
        await WaitForAnswerAsync(page);
        var body = page.Locator(".assistant .body");
        Assert.Equal("slanted", await body.Locator("h1 em").TextContentAsync());
        Assert.Equal("bold", await body.Locator("strong").TextContentAsync());
        Assert.Equal("code <b>", await body.Locator("p code").TextContentAsync());
        Assert.Equal(["https://example.org/a_(b)", "https://example.org/x"], await body.Locator("a").EvaluateAllAsync<string[]>("links => links.map(a => a.getAttribute('href'))"));
        Assert.Contains("2 * 3 * 4, snake_case_name.", await body.Locator("p").First.TextContentAsync());
        Assert.Equal(2, await body.Locator("ol > li").CountAsync());
        Assert.Equal(["inner", "more"], await body.Locator("ol ul > li").AllTextContentsAsync());
        Assert.Equal("said", await body.Locator("blockquote").TextContentAsync());
        Assert.Equal("2", await body.Locator("td code").TextContentAsync());
        Assert.Equal("var x = new List<int>();\n\n# no title", await body.Locator("pre code").TextContentAsync());
        await Shot(page, "markdown");
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await Shot(page, "dark");
    }

    [Fact]
    public async Task MarkdownOfMarksWithoutEndIsRendered()
    {
        var page = await OpenAsync();
        await page.EvaluateAsync("""
            async () => {
              const { render } = await import('./markdown.js');
              for (const piece of ['*', '**a', '_a ', '`', '``x', '[', '[a](', '![', '> ', '- ', '  - a\n', '|', '|-', '# ', 'http://', '<http', '\\', '~~', '\n\n', '***a'])
                render(piece.repeat(5000));
            }
            """);
    }

    [Fact]
    public async Task APhoneShowsTheChatAndTheListBehindAButton()
    {
        var page = await OpenAsync(viewport: new() { Width = 360, Height = 640 });
        await SendAsync(page, "Who are you?");
        await WaitForAnswerAsync(page);
        Assert.False(await page.Locator("#sidebar").IsVisibleAsync());
        Assert.Equal(0, await page.EvaluateAsync<int>("document.documentElement.scrollWidth - innerWidth"));
        var send = (await page.Locator("#send").BoundingBoxAsync())!;
        Assert.True(send.X + send.Width <= 360 && send.Y + send.Height <= 640);
        await Shot(page, "phone");
        await page.Locator("#menu").ClickAsync();
        Assert.True(await page.Locator("#sidebar").IsVisibleAsync());
        await Shot(page, "phone-list");
        await page.Locator("#new").ClickAsync();
        Assert.Equal(0, await page.Locator(".message").CountAsync());
        Assert.False(await page.Locator("#sidebar").IsVisibleAsync());
    }

    [Fact]
    public async Task EveryControlHasANameAndIsReachedByKeyboard()
    {
        var page = await OpenAsync();
        Assert.Empty(await page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('button, input, textarea, select')]
              .filter(c => !(c.textContent.trim() || c.getAttribute('aria-label') || c.labels?.length)).map(c => c.outerHTML)
            """));
        Assert.Equal("prompt", await page.EvaluateAsync<string>("document.activeElement.id"));
        await page.Keyboard.TypeAsync("Who are you?");
        await page.Keyboard.PressAsync("Enter");
        await WaitForAnswerAsync(page);
        Assert.Equal("The answer is complete.", await page.Locator("#status").TextContentAsync());
        Assert.Equal("status", await page.Locator("#status").GetAttributeAsync("role"));
    }

    [Fact]
    public async Task AnErrorIsSaidWhereTheAnswerWouldBe()
    {
        var page = await OpenAsync("""{"max_completion_tokens":"100000"}""");
        await SendAsync(page, "Hello");
        await WaitForAnswerAsync(page);
        Assert.Contains("do not fit", await page.Locator(".assistant.error .body").TextContentAsync());
    }

    async Task<IPage> OpenAsync(string? settings = """{"temperature":"0"}""", ViewportSize? viewport = null, Uri? url = null)
    {
        var context = await (await browser.Get()).NewContextAsync(new() { ViewportSize = viewport ?? new() { Width = 1100, Height = 760 } });
        var page = await context.NewPageAsync();
        page.SetDefaultTimeout(30_000);
        await page.GotoAsync((url ?? server.Url).ToString());
        await page.EvaluateAsync($"localStorage.setItem('cria.settings', '{settings}')");
        await page.ReloadAsync();
        await page.Locator("#model option").First.WaitForAsync(new() { State = WaitForSelectorState.Attached });
        return page;
    }

    static ILocator Answer(IPage page) => page.Locator(".assistant .body");

    static async Task SendAsync(IPage page, string text)
    {
        await page.Locator("#prompt").FillAsync(text);
        await page.Locator("#send").ClickAsync();
    }

    static Task WaitForAnswerAsync(IPage page) => page.Locator("#messages > .assistant:last-child[aria-busy=false] .stats").WaitForAsync();

    /// <summary>Puts words in the model's mouth, cut into pieces.</summary>
    static Task ReplyAsync(IPage page, string text) => page.RouteAsync("**/v1/chat/completions", route => route.FulfillAsync(new()
    {
        ContentType = "text/event-stream",
        Body = string.Concat(text.Chunk(7).Select(c => $"data: {{\"choices\":[{{\"delta\":{{\"content\":{JsonSerializer.Serialize(new string(c))}}}}}]}}\n\n"))
            + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"timings\":{\"predicted_per_second\":12.5}}\n\ndata: [DONE]\n\n",
    }));

    /// <summary>A picture to look at, in the folder that CRIA_SCREENSHOTS names.</summary>
    static async Task Shot(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("CRIA_SCREENSHOTS") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}.png") });
    }

    /// <summary>One browser for all tests of the class; where there is none they are skipped.</summary>
    public sealed class Browser : IAsyncDisposable
    {
        readonly SemaphoreSlim _gate = new(1);
        IPlaywright? _playwright;
        IBrowser? _browser;

        static string? Path => new[] { Environment.GetEnvironmentVariable("CHROMIUM"), "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

        public async Task<IBrowser> Get()
        {
            Assert.SkipWhen(Path is null, "there is no Chromium here: apt-get install chromium, or name one in CHROMIUM");
            await _gate.WaitAsync();
            try
            {
                _playwright ??= await Playwright.CreateAsync();
                return _browser ??= await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Path, Args = ["--no-sandbox"] });
            }
            finally
            {
                _gate.Release();
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (_browser is not null)
                await _browser.DisposeAsync();
            _playwright?.Dispose();
            _gate.Dispose();
        }
    }
}
