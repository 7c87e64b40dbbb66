using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Cria.Tests.Hub;

/// <summary>A request as it came over the wire.</summary>
sealed record WireRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers)
{
    public string? Authorization => Headers.GetValueOrDefault("Authorization");

    /// <summary>The bytes asked for, the end exclusive; null for all.</summary>
    public (long From, long To)? Range => Headers.GetValueOrDefault("Range") is { } range && range["bytes=".Length..].Split('-') is [var from, var to]
        ? (long.Parse(from, CultureInfo.InvariantCulture), long.Parse(to, CultureInfo.InvariantCulture) + 1) : null;
}

/// <summary>What to send back; with `Cut` the connection ends after so many bytes of the body, whatever the header promised.</summary>
sealed record WireAnswer(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    public int? Cut { get; init; }

    /// <summary>Waits before the answer.</summary>
    public Task? After { get; init; }
}

/// <summary>An HTTP server on a port of its own of the loopback, one connection for each request, whose answers a function gives.</summary>
sealed class TestServer : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly Func<WireRequest, WireAnswer> _answer;

    public TestServer(Func<WireRequest, WireAnswer> answer)
    {
        _answer = answer;
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public ConcurrentQueue<WireRequest> Requests { get; } = [];

    public void Dispose() => _listener.Dispose();

    async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The server is closed.
        }
    }

    async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                using var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                if ((await reader.ReadLineAsync())?.Split(' ') is not [var method, var path, _])
                    return;
                var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                while (await reader.ReadLineAsync() is { Length: > 0 } line)
                    headers[line[..line.IndexOf(':')]] = line[(line.IndexOf(':') + 1)..].Trim();
                var request = new WireRequest(method, path, headers);
                Requests.Enqueue(request);
                var answer = _answer(request);
                await (answer.After ?? Task.CompletedTask);
                var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} Status\r\nConnection: close\r\nContent-Length: {answer.Body.Length}\r\n");
                foreach (var (name, value) in answer.Headers)
                    head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
                await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()));
                if (method != "HEAD")
                    await stream.WriteAsync(answer.Body.AsMemory(0, answer.Cut ?? answer.Body.Length));
                await stream.FlushAsync();
            }
            catch (IOException)
            {
                // The client has gone.
            }
        }
    }
}
