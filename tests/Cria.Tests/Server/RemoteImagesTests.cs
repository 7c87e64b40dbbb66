using System.Collections.Concurrent;
using System.Net;
using Cria.Server;
using Cria.Server.Http;
using Cria.Tests.Hub;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Server;

public sealed class RemoteImagesTests
{
    static readonly byte[] Picture = [1, 2, 3];

    [Theory]
    [InlineData("0.0.0.0"), InlineData("10.1.2.3"), InlineData("100.64.0.1"), InlineData("127.0.0.1"), InlineData("127.255.255.254"), InlineData("169.254.169.254")]
    [InlineData("172.16.0.1"), InlineData("172.31.255.255"), InlineData("192.0.0.8"), InlineData("192.168.1.1"), InlineData("198.19.0.1"), InlineData("203.0.113.9")]
    [InlineData("224.0.0.1"), InlineData("255.255.255.255"), InlineData("::"), InlineData("::1"), InlineData("::ffff:10.0.0.1"), InlineData("::ffff:127.0.0.1")]
    [InlineData("64:ff9b::a00:1"), InlineData("fc00::1"), InlineData("fd12::1"), InlineData("fe80::1"), InlineData("fec0::1"), InlineData("ff02::1"), InlineData("2001::1")]
    [InlineData("2001:db8::1"), InlineData("2002:a00:1::1"), InlineData("3fff::1"), InlineData("::10.0.0.1")]
    public void AnAddressOfAnotherKindIsNotPublic(string address) => Assert.False(RemoteImages.IsPublic(IPAddress.Parse(address)));

    [Theory, InlineData("8.8.8.8"), InlineData("172.32.0.1"), InlineData("192.169.0.1"), InlineData("::ffff:8.8.8.8"), InlineData("2606:4700::1111"), InlineData("2a00:1450::1")]
    public void OthersArePublic(string address) => Assert.True(RemoteImages.IsPublic(IPAddress.Parse(address)));

    [Fact]
    public async Task ImagesComeInPlaceOfTheirAddresses()
    {
        using var server = new TestServer(request => request.Path == "/moved" ? new(302, [], ("Location", "/photo")) : new(200, Picture));
        var message = new ChatMessage(ChatRole.User, [new TextContent("before"), Image(server, "/photo"), new TextContent("between"), Image(server, "/moved")]);
        await new RemoteImages(true, IPAddress.IsLoopback).FetchAsync([message], CancellationToken.None);
        Assert.Equal(["before", "between"], message.Contents.OfType<TextContent>().Select(t => t.Text));
        Assert.All([message.Contents[1], message.Contents[3]], c => Assert.Equal(Picture, Assert.IsType<DataContent>(c).Data.ToArray()));
    }

    /// <summary>By number and by name: nothing arrives.</summary>
    [Theory, InlineData("127.0.0.1"), InlineData("localhost"), InlineData("0x7f000001"), InlineData("2130706433")]
    public async Task ThisMachineIsNotAsked(string host)
    {
        using var server = new TestServer(_ => new(200, Picture));
        await FailsAsync(new(true), $"http://{host}:{server.Address.Port}/", "cannot be fetched");
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task ARedirectToAnotherMachineIsLookedAtAgain()
    {
        using var server = new TestServer(request => new(302, [], ("Location", "http://127.0.0.2:8/")));
        var looked = new ConcurrentQueue<string>();
        await FailsAsync(new(true, address =>
        {
            looked.Enqueue(address.ToString());
            return address.ToString() == "127.0.0.1";
        }), server.Address.ToString(), "cannot be fetched");
        Assert.Equal(["127.0.0.1", "127.0.0.2"], looked);
    }

    [Fact]
    public async Task RedirectsHaveAnEnd()
    {
        using var server = new TestServer(_ => new(302, [], ("Location", "/again")));
        await FailsAsync(new(true, IPAddress.IsLoopback), server.Address.ToString(), "cannot be fetched");
        Assert.InRange(server.Requests.Count, 1, 5);
    }

    [Fact]
    public async Task WhatIsTooLargeOrTooSlowOrNotThereIsRefused()
    {
        var never = new TaskCompletionSource();
        using var server = new TestServer(request => request.Path switch
        {
            "/large" => new(200, new byte[RemoteImages.MaxBytes + 1]),
            "/slow" => new(200, Picture) { After = never.Task },
            _ => new(404, Picture),
        });
        var images = new RemoteImages(true, IPAddress.IsLoopback);
        await FailsAsync(images, new Uri(server.Address, "/large").ToString(), "more than 20 MB");
        await FailsAsync(images, new Uri(server.Address, "/gone").ToString(), "cannot be fetched");
        await FailsAsync(new RemoteImages(true, IPAddress.IsLoopback) { Timeout = TimeSpan.FromMilliseconds(200) }, new Uri(server.Address, "/slow").ToString(), "cannot be fetched");
        never.SetResult();
    }

    [Theory, InlineData("ftp://example.org/a.png"), InlineData("file:///etc/passwd"), InlineData("http://user:password@example.org/a.png"), InlineData("gopher://example.org")]
    public Task OtherAddressesAreNone(string url) => FailsAsync(new(true), url, "no address with http or https");

    [Fact]
    public Task NothingIsFetchedUnlessTheServerMay() => FailsAsync(new(false), "https://example.org/a.png", "send a data URL");

    [Fact]
    public async Task ARequestHasAnEndOfImages()
    {
        var dialogue = new List<ChatMessage> { new(ChatRole.User, [.. Enumerable.Repeat(new UriContent("https://example.org", "image/*"), 17)]) };
        Assert.Contains("16 images", (await Assert.ThrowsAsync<ApiException>(() => new RemoteImages(true).FetchAsync(dialogue, CancellationToken.None))).Message);
    }

    static UriContent Image(TestServer server, string path) => new(new Uri(server.Address, path), "image/*");

    static async Task FailsAsync(RemoteImages images, string url, string problem)
    {
        var error = await Assert.ThrowsAsync<ApiException>(() => images.FetchAsync([new(ChatRole.User, [new UriContent(url, "image/*")])], CancellationToken.None));
        Assert.Equal((400, "image_url"), (error.Status, error.Param));
        Assert.Contains(problem, error.Message);
    }
}
