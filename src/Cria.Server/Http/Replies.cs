using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cria.Server.Endpoints;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Http;

/// <summary>Writes answers.</summary>
static class Replies
{
    const string Json = "application/json";

    static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A whole answer.</summary>
    public static Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        var bytes = new ArrayBufferWriter<byte>();
        Write(bytes, value, type);
        context.Response.StatusCode = status;
        context.Response.ContentType = Json;
        context.Response.ContentLength = bytes.WrittenCount;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes.WrittenMemory).AsTask();
    }

    /// <summary>Writes JSON whose text is itself as far as JSON allows: it is never a part of HTML.</summary>
    public static void Write<T>(IBufferWriter<byte> to, T value, JsonTypeInfo<T> type)
    {
        using var json = new Utf8JsonWriter(to, Plain);
        JsonSerializer.Serialize(json, value, type);
    }

    /// <summary>An error as the whole answer, or as the last event of a stream that has begun, in the shape of the endpoint's API.</summary>
    public static async Task WriteAsync(HttpContext context, ApiException error)
    {
        var path = context.Request.Path;
        var failure = new MessageEvent("error") { Error = new(error.Type is "server_error" ? "api_error" : error.Type, error.Message) };
        if (context.Response.HasStarted)
        {
            var events = new EventStream(context.Response);
            await (path.StartsWithSegments(Messages.Path) ? events.SendAsync(failure, WireJson.Default.MessageEvent, failure.Type)
                : path.StartsWithSegments(Responses.Path) ? events.SendAsync(new("error") { Code = error.Code, Message = error.Message, Param = error.Param }, WireJson.Default.ResponseEvent, "error")
                : events.SendAsync(new(new(error.Message, error.Type, error.Param, error.Code)), WireJson.Default.WireError));
            return;
        }
        if (error.RetryAfter is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (error.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = "Bearer";
        await (path.StartsWithSegments(Messages.Path) ? WriteAsync(context, failure, WireJson.Default.MessageEvent, error.Status)
            : WriteAsync(context, new(new(error.Message, error.Type, error.Param, error.Code)), WireJson.Default.WireError, error.Status));
    }
}

/// <summary>Server-sent events. The status goes out with the first, so what fails before it can still be an error of its own.</summary>
sealed class EventStream(HttpResponse response)
{
    readonly ArrayBufferWriter<byte> _event = new();

    /// <summary>Sends an event.</summary>
    public async Task SendAsync<T>(T value, JsonTypeInfo<T> type, string? name = null)
    {
        _event.ResetWrittenCount();
        if (name is not null)
        {
            _event.Write("event: "u8);
            _event.Write(Encoding.ASCII.GetBytes(name));
            _event.Write("\n"u8);
        }
        _event.Write("data: "u8);
        Replies.Write(_event, value, type);
        _event.Write("\n\n"u8);
        await SendAsync(_event.WrittenMemory);
    }

    /// <summary>Sends bytes as they are: the end of a stream, or a comment as a sign of life.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> text)
    {
        response.HttpContext.RequestAborted.ThrowIfCancellationRequested(); // before anything is begun
        Begin();
        // Sends it, too. Kestrel cuts the connection of a write that is cancelled, and then nobody would hear that the time is over.
        await response.BodyWriter.WriteAsync(text, CancellationToken.None);
    }

    /// <summary>A comment, which clients pass over.</summary>
    public Task SendSignOfLifeAsync() => SendSignOfLifeAsync(imagesRead: null);

    /// <summary>The same; while images are read it says which part of them is.</summary>
    public Task SendSignOfLifeAsync(double? imagesRead) =>
        SendAsync(Encoding.ASCII.GetBytes(imagesRead is { } part ? string.Create(CultureInfo.InvariantCulture, $": reading images, {(int)(100 * part)} %\n\n") : ": still working\n\n"));

    /// <summary>OpenAI's last event.</summary>
    public Task SendDoneAsync() => SendAsync("data: [DONE]\n\n"u8.ToArray());

    void Begin()
    {
        if (response.HasStarted)
            return;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
    }
}
