using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.AI;

namespace Cria.Server.Http;

/// <summary>
/// Fetches the images that requests give by address, if the server may. A request must not reach what only this machine can reach: every
/// address that a name stands for is looked at, for each connection and so after every redirect too, and the one that was looked at is
/// connected to; no proxy, no cookies. What went wrong with a connection is not told, since it would tell about networks. Thread-safe.
/// </summary>
/// <param name="isOn">Whether anything is fetched.</param>
/// <param name="isAllowed">Which addresses may be asked; null for <see cref="IsPublic"/>.</param>
sealed class RemoteImages(bool isOn, Func<IPAddress, bool>? isAllowed = null)
{
    const string Field = "image_url";
    const int MostImages = 16, MostRedirects = 3;

    /// <summary>Bytes of an image.</summary>
    internal const int MaxBytes = 20 << 20;

    /// <summary>Ranges that are not of the public Internet (IANA's special-purpose address registries); of IPv6 only 2000::/3 is.</summary>
    static readonly IPNetwork[] Special =
    [
        .. ((string[])["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]).Select(IPNetwork.Parse),
    ];

    static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    /// <summary>How long one image may take, from its name to its last byte.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether an address is one of the public Internet.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return (address.AddressFamily == AddressFamily.InterNetwork || GlobalUnicast.Contains(address)) && !Array.Exists(Special, n => n.Contains(address));
    }

    /// <summary>Puts the images into a dialogue's messages in place of their addresses.</summary>
    /// <exception cref="ApiException">Images are not fetched here, there are too many, or one is not to be had.</exception>
    public async Task<List<ChatMessage>> FetchAsync(List<ChatMessage> dialogue, CancellationToken cancellation)
    {
        var places = (from message in dialogue from i in Enumerable.Range(0, message.Contents.Count) where message.Contents[i] is UriContent select (message.Contents, i)).ToList();
        if (places.Count == 0)
            return dialogue;
        ApiException.Refuse(Field, !isOn, "this server fetches no images (--remote-images); send a data URL");
        if (places.Count > MostImages)
            throw ApiException.Invalid(Field, $"{Field} gives an address {places.Count} times; {MostImages} images are fetched for a request");
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            UseProxy = false,
            UseCookies = false,
            MaxAutomaticRedirections = MostRedirects,
        })
        { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        foreach (var (contents, i) in places)
            contents[i] = await FetchAsync(http, ((UriContent)contents[i]).Uri, cancellation);
        return dialogue;
    }

    async Task<DataContent> FetchAsync(HttpClient http, Uri uri, CancellationToken cancellation)
    {
        var name = OneLine.Cut(uri.OriginalString);
        if (!uri.IsAbsoluteUri || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps) || uri.UserInfo.Length > 0)
            throw ApiException.Invalid(Field, $"{Field} is {name}, no address with http or https and without a password");
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        time.CancelAfter(Timeout);
        try
        {
            using var response = await http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, time.Token);
            if (response.IsSuccessStatusCode)
            {
                using var body = await response.Content.ReadAsStreamAsync(time.Token);
                return new(await ReadAsync(body, name, time.Token), "image/*");
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            // Said below.
        }
        throw ApiException.Invalid(Field, $"{Field} {name} cannot be fetched");
    }

    static async Task<byte[]> ReadAsync(Stream body, string name, CancellationToken cancellation)
    {
        using var bytes = new MemoryStream();
        var part = new byte[1 << 16];
        for (int read; (read = await body.ReadAsync(part, cancellation)) > 0;)
        {
            if (bytes.Length + read > MaxBytes)
                throw ApiException.Invalid(Field, $"{Field} {name} has more than {MaxBytes >> 20} MB");
            bytes.Write(part, 0, read);
        }
        return bytes.ToArray();
    }

    async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellation);
        if (addresses.Length == 0 || !Array.TrueForAll(addresses, a => isAllowed?.Invoke(a) ?? IsPublic(a)))
            throw new IOException("an address that is not public");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
