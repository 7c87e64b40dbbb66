using System.Text.Json;
using System.Text.RegularExpressions;
using Cria.Tests.Images;
using Microsoft.Playwright;

namespace Cria.Tests.Server;

/// <summary>Pictures in the web chat, before a small vision model with random weights.</summary>
public sealed partial class ChatPageTests
{
    /// <summary>Gives a file to the page as a paste or a drop does.</summary>
    const string Give = """
        ([kind, base64]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], `${kind}.png`, { type: 'image/png' }));
          document.body.dispatchEvent(kind === 'paste' ? new ClipboardEvent(kind, { clipboardData: transfer, bubbles: true, cancelable: true })
            : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }
        """;

    const string Kept = """
        () => new Promise(done => {
          const open = indexedDB.open('cria');
          open.onsuccess = () => open.result.transaction('images').objectStore('images').count().onsuccess = e => done(e.target.result);
        })
        """;

    /// <summary>Gathers what is said while pictures are read, in `window.said`.</summary>
    const string Listen = """
        () => {
          window.said = [];
          new MutationObserver(() => window.said.push(...[...document.querySelectorAll('.reading')].map(e => e.textContent)))
            .observe(document.getElementById('messages'), { childList: true, subtree: true });
        }
        """;

    /// <summary>A server that has read a part of the pictures and goes on for ever.</summary>
    const string Reading = """
        () => window.fetch = (_, { signal }) => Promise.resolve(new Response(new ReadableStream({
          start(stream) {
            stream.enqueue(new TextEncoder().encode(': still working\n\n: reading images, 35 %\n\n'));
            signal.addEventListener('abort', () => stream.error(signal.reason));
          }
        })))
        """;

    [Fact]
    public async Task PicturesAreChosenPastedAndDroppedThenShownSentAndKept()
    {
        var page = await OpenVisionAsync();
        var bodies = new List<string>();
        page.Request += (_, request) =>
        {
            if (request.Url.EndsWith("/v1/chat/completions", StringComparison.Ordinal))
                bodies.Add(request.PostData!);
        };
        await ChooseAsync(page, Picture("a.png", 40), new() { Name = "b.txt", MimeType = "text/plain", Buffer = [1] }, new() { Name = "c.png", MimeType = "image/png", Buffer = TestImages.Png(40, 30)[..60] });
        await Assertions.Expect(page.Locator("#status.wrong")).ToHaveTextAsync("b.txt is no PNG, JPEG, WebP, GIF or BMP image. c.png is damaged: it cannot be shown.");
        await GiveAsync(page, "paste", 50);
        await GiveAsync(page, "drop", 60);
        await Assertions.Expect(page.Locator("#attached img")).ToHaveCountAsync(3);
        await Shot(page, "images-attached");
        await page.GetByLabel("Remove picture 2").ClickAsync();
        Assert.Equal(2, (await AskAsync(page, "What is this?")).GetProperty("image_n").GetInt32());
        Assert.NotEmpty((await Answer(page).TextContentAsync())!);
        Assert.Contains("2 pictures read in", await page.Locator(".assistant .stats").TextContentAsync());
        Assert.Equal(0, await page.Locator("#attached img").CountAsync());
        await AssertShownAsync(page, 40, 60);
        await Shot(page, "images");

        var content = JsonElement.Parse(Assert.Single(bodies)).GetProperty("messages")[0].GetProperty("content").EnumerateArray().ToList();
        Assert.Equal(["image_url", "image_url", "text"], content.Select(c => c.GetProperty("type").GetString()));
        Assert.Equal("data:image/png;base64," + Convert.ToBase64String(TestImages.Png(60, 30)), content[1].GetProperty("image_url").GetProperty("url").GetString());
        Assert.DoesNotContain("data:image", await page.EvaluateAsync<string>("JSON.stringify({ ...localStorage })"));

        await page.ReloadAsync();
        await AssertShownAsync(page, 40, 60);
        await page.Locator(".assistant").GetByText("Regenerate").ClickAsync();
        await WaitForAnswerAsync(page);
        await page.Locator(".user").GetByText("Edit").ClickAsync();
        await page.GetByLabel("Edited message", new() { Exact = true }).FillAsync("And now?");
        await page.Keyboard.PressAsync("Enter");
        await WaitForAnswerAsync(page);
        await AssertShownAsync(page, 40, 60);
        Assert.Equal(3, bodies.Count(b => b.Contains("data:image/png", StringComparison.Ordinal)));

        Assert.Equal(2, await page.EvaluateAsync<int>(Kept));
        await page.Locator("#conversations button[aria-label^=Delete]").ClickAsync();
        await page.WaitForFunctionAsync($"async () => await ({Kept})() === 0");
    }

    [Fact]
    public async Task APictureIsReadOnceInAllConversationsAndHowFarIsSaidMeanwhile()
    {
        var page = await OpenVisionAsync();
        await page.EvaluateAsync(Listen);
        await ChooseAsync(page, Picture("a.png", 300));
        var first = await AskAsync(page, "What is this?");
        Assert.Equal(1, first.GetProperty("image_n").GetInt32());
        Assert.Contains(await page.EvaluateAsync<string[]>("window.said"), said => Regex.IsMatch(said, @"^Reading the picture\d+ %$"));
        Assert.Contains("picture read in", await page.Locator(".assistant .stats").TextContentAsync());

        await page.EvaluateAsync("window.said.length = 0");
        var second = await AskAsync(page, "And what else?");
        Assert.True(second.GetProperty("cache_n").GetInt32() >= first.GetProperty("prompt_n").GetInt32()); // the picture's token is among them
        AssertKnown(second);
        await page.Keyboard.PressAsync("Alt+n");
        await GiveAsync(page, "paste", 300);
        AssertKnown(await AskAsync(page, "Describe it."));
        Assert.Empty(await page.EvaluateAsync<string[]>("window.said"));
        Assert.DoesNotContain("read in", string.Concat(await page.Locator(".assistant .stats").AllTextContentsAsync()));

        await GiveAsync(page, "drop", 301);
        Assert.Equal(1, (await AskAsync(page, "And this?")).GetProperty("image_n").GetInt32());
        await AssertShownAsync(page, 300, 301);

        static void AssertKnown(JsonElement timings) => Assert.Equal((0, 0), (timings.GetProperty("image_n").GetInt32(), timings.GetProperty("image_ms").GetDouble()));
    }

    [Fact]
    public async Task WhileAPictureIsReadTheAnswerCanBeStoppedAndNothingIsLost()
    {
        var page = await OpenVisionAsync();
        await page.EvaluateAsync(Reading);
        await ChooseAsync(page, Picture("a.png", 320));
        await SendAsync(page, "What is this?");
        await Assertions.Expect(page.Locator(".assistant .reading")).ToHaveTextAsync("Reading the picture35 %");
        Assert.Equal(35, await page.Locator(".assistant progress").EvaluateAsync<double>("bar => bar.value"));
        await Assertions.Expect(page.Locator("#status")).ToContainTextAsync("The model reads");
        await page.Locator("#prompt").FillAsync("My next question");
        await page.Keyboard.PressAsync("Enter");
        Assert.Equal("An answer is being written. Stop it to send this now.", await page.Locator("#status").TextContentAsync());
        await Shot(page, "images-reading");
        await page.SetViewportSizeAsync(360, 640);
        Assert.Equal(0, await page.EvaluateAsync<int>("document.documentElement.scrollWidth - innerWidth"));
        await Shot(page, "images-reading-phone");

        await page.Locator("#stop").ClickAsync();
        await WaitForAnswerAsync(page);
        Assert.Equal("Stopped before the first word.", await Answer(page).TextContentAsync());
        await Shot(page, "images-stopped-phone");
        await page.ReloadAsync();
        await AssertShownAsync(page, 320);
        Assert.Equal("What is this?", await page.Locator(".user .body").TextContentAsync());
        Assert.Equal("My next question", await page.Locator("#prompt").InputValueAsync());
        await page.Locator(".assistant").GetByText("Regenerate").ClickAsync();
        await WaitForAnswerAsync(page);
        Assert.Contains("12 tokens", await page.Locator(".assistant .stats").TextContentAsync());
        Assert.Equal("My next question", await page.Locator("#prompt").InputValueAsync());
    }

    [Fact]
    public async Task WhatTheServerSaysOfAPictureIsSaidWhereTheAnswerWouldBe()
    {
        var page = await OpenVisionAsync();
        await page.RouteAsync("**/v1/chat/completions", route => route.ContinueAsync(new() { PostData = System.Text.Encoding.UTF8.GetBytes(route.Request.PostData!.Replace("iVBOR", "AAAAA")) }));
        await ChooseAsync(page, Picture("a.png", 40));
        await SendAsync(page, "What is this?");
        await WaitForAnswerAsync(page);
        Assert.StartsWith("image 1 of 1: no PNG", await page.Locator(".assistant.error .body").TextContentAsync());
    }

    [Fact]
    public async Task AModelOfTextIsOfferedNoPictures()
    {
        var page = await OpenAsync();
        Assert.False(await page.Locator("#attach").IsVisibleAsync());
        await GiveAsync(page, "drop", 4);
        Assert.Equal("This model takes no images.", await page.Locator("#status").TextContentAsync());
        Assert.Equal(0, await page.Locator("#attached img").CountAsync());
    }

    async Task<IPage> OpenVisionAsync()
    {
        var page = await OpenAsync("""{"temperature":"0","max_completion_tokens":"12"}""", url: vision.Url);
        await page.Locator("#attach").WaitForAsync();
        return page;
    }

    static FilePayload Picture(string name, int width) => new() { Name = name, MimeType = "image/png", Buffer = TestImages.Png(width, 30) };

    static async Task ChooseAsync(IPage page, params FilePayload[] files)
    {
        var chooser = await page.RunAndWaitForFileChooserAsync(() => page.Locator("#attach").ClickAsync());
        await chooser.SetFilesAsync(files);
        await page.Locator("#attached img").First.WaitForAsync();
    }

    static Task GiveAsync(IPage page, string kind, int width) => page.EvaluateAsync(Give, new[] { kind, Convert.ToBase64String(TestImages.Png(width, 30)) });

    /// <summary>Asks and waits for the answer; gives the server's timings.</summary>
    static async Task<JsonElement> AskAsync(IPage page, string text)
    {
        await page.Locator("#attached img, #messages img").First.WaitForAsync();
        var response = await page.RunAndWaitForResponseAsync(() => SendAsync(page, text), r => r.Url.EndsWith("/v1/chat/completions", StringComparison.Ordinal));
        await WaitForAnswerAsync(page);
        return (await response.TextAsync()).Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(line => JsonElement.Parse(line["data: ".Length..]))
            .Select(e => e.TryGetProperty("timings", out var timings) ? timings : default).Single(timings => timings.ValueKind == JsonValueKind.Object);
    }

    /// <summary>The pictures in the conversation have these widths once they are decoded.</summary>
    static async Task AssertShownAsync(IPage page, params int[] widths)
    {
        var shown = await page.Locator(".user .body img").EvaluateAllAsync<int[]>("async images => Promise.all(images.map(async i => { await i.decode(); return i.naturalWidth; }))");
        Assert.Equal(widths, shown);
    }

    /// <summary>A server of a vision model that takes a tenth of a second for a picture, and whose streams say at every step how far it is.</summary>
    public sealed class VisionServer : IAsyncLifetime
    {
        readonly TestModel _model = TestModels.Write(new() { WithTokenizer = true, Layers = 3, CrossLayers = [1], Encoder = new TestShape().Encoder with { TileSize = 112 } });
        RunningServer? _server;

        public Uri Url => _server!.Url;

        public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(new() { Models = [_model.Path], Heartbeat = TimeSpan.FromMilliseconds(1) });

        public async ValueTask DisposeAsync()
        {
            await _server!.DisposeAsync();
            _model.Dispose();
        }
    }
}
