using System.Text.Json;
using Cria.Tests.Images;
using Microsoft.Playwright;

namespace Cria.Tests.Server;

/// <summary>Pictures in the web chat, before a model that is said to take them.</summary>
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
        await ReplyAsync(page, "Two pictures.");
        await page.Locator("#files").SetInputFilesAsync((FilePayload[])[new() { Name = "a.png", MimeType = "image/png", Buffer = TestImages.Png(40, 30) }, new() { Name = "b.txt", MimeType = "text/plain", Buffer = [1] }]);
        await Assertions.Expect(page.Locator("#status")).ToContainTextAsync("b.txt is no PNG");
        await page.EvaluateAsync(Give, new[] { "paste", Convert.ToBase64String(TestImages.Png(50, 30)) });
        await page.EvaluateAsync(Give, new[] { "drop", Convert.ToBase64String(TestImages.Png(60, 30)) });
        await Assertions.Expect(page.Locator("#attached img")).ToHaveCountAsync(3);
        await Shot(page, "images-attached");
        await page.GetByLabel("Remove picture 2").ClickAsync();
        await SendAsync(page, "What is this?");
        await WaitForAnswerAsync(page);
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
    public async Task AModelOfTextIsOfferedNoPictures()
    {
        var page = await OpenAsync();
        Assert.False(await page.Locator("#attach").IsVisibleAsync());
        await page.EvaluateAsync(Give, new[] { "drop", Convert.ToBase64String(TestImages.Png(4, 4)) });
        Assert.Equal("This model takes no images.", await page.Locator("#status").TextContentAsync());
        Assert.Equal(0, await page.Locator("#attached img").CountAsync());
    }

    async Task<IPage> OpenVisionAsync()
    {
        var page = await OpenAsync();
        await page.RouteAsync("**/v1/models", async route =>
        {
            var response = await route.FetchAsync();
            await route.FulfillAsync(new() { Response = response, Body = (await response.TextAsync()).Replace("[\"text\"]", "[\"text\",\"image\"]") });
        });
        await page.ReloadAsync();
        await page.Locator("#attach").WaitForAsync();
        return page;
    }

    /// <summary>The pictures in the conversation have these widths once they are decoded.</summary>
    static async Task AssertShownAsync(IPage page, params int[] widths)
    {
        var shown = await page.Locator(".user .body img").EvaluateAllAsync<int[]>("async images => Promise.all(images.map(async i => { await i.decode(); return i.naturalWidth; }))");
        Assert.Equal(widths, shown);
    }
}
