using Cria.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Endpoints;

/// <summary>GET /: the web chat, a page and its parts, all of them in this assembly.</summary>
static class ChatPage
{
    /// <summary>Only the page's own files run, nothing else is loaded, and no text can become HTML.</summary>
    const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    /// <summary>The files by path.</summary>
    public static IReadOnlyDictionary<string, (string Type, byte[] Bytes)> Files { get; } = new Dictionary<string, (string, byte[])>
    {
        ["/"] = ("text/html; charset=utf-8", Read("index.html")),
        ["/chat.css"] = ("text/css; charset=utf-8", Read("chat.css")),
        ["/chat.js"] = ("text/javascript; charset=utf-8", Read("chat.js")),
        ["/images.js"] = ("text/javascript; charset=utf-8", Read("images.js")),
        ["/markdown.js"] = ("text/javascript; charset=utf-8", Read("markdown.js")),
    };

    public static async Task ShowAsync(HttpContext context, Api api)
    {
        var (type, bytes) = Files[context.Request.Path.Value!];
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-cache";
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    static byte[] Read(string name)
    {
        using var stream = typeof(ChatPage).Assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
