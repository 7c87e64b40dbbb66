using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Http;

/// <summary>Reads the JSON of a request.</summary>
static class RequestBody
{
    /// <summary>Names the fields that were ignored.</summary>
    public const string IgnoredFields = "x-cria-ignored-fields";

    /// <summary>Names the tools whose schemas cannot be honoured, so that their arguments are held to their names only.</summary>
    public const string UnguardedTools = "x-cria-unguarded-tools";

    const int MostNamed = 16;
    const int LongestName = 64;

    /// <summary>Reads the body as T.</summary>
    /// <exception cref="ApiException">It is no JSON, or a field is not of its type.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type) where T : WireRequest
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        var bytes = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);
        try
        {
            if (bytes.StartsWith(Encoding.UTF8.Preamble))
                bytes = bytes[Encoding.UTF8.Preamble.Length..];
            CheckText(bytes);
        }
        catch (JsonException e)
        {
            throw new ApiException(400, $"the body is {OneLine.Show(e)}", "invalid_json");
        }
        RequestLog.Of(context).Ask(bytes);
        try
        {
            var request = JsonSerializer.Deserialize(bytes, type) ?? throw new ApiException(400, "the body is null, not an object", "invalid_json");
            if (request.Unknown is { Count: > 0 } unknown)
                context.Response.Headers[IgnoredFields] = Names(unknown.Keys);
            return request;
        }
        catch (JsonException e)
        {
            var field = e.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? OneLine.Cut(path[2..]) : null;
            throw new ApiException(400, field is null ? "the body is not an object" : $"{field} is not of its type", "invalid_type", field);
        }
    }

    /// <summary>JSON whose texts are texts: the parser looks at neither the bytes of a string nor at halves of characters until they are used.</summary>
    static void CheckText(ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes))
            throw new ApiException(400, "the body is not UTF-8", "invalid_json");
        var reader = new Utf8JsonReader(bytes);
        while (reader.Read())
        {
            if (!reader.ValueIsEscaped)
                continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException)
            {
                throw new ApiException(400, $"the body has half a character (a lone surrogate) before byte {reader.BytesConsumed}", "invalid_json");
            }
        }
    }

    /// <summary>Names as the value of a header.</summary>
    public static string Names(IEnumerable<string> names) => string.Join(", ", names.Take(MostNamed).Select(Plain));

    static string Plain(string name) => string.Concat(name.Take(LongestName).Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' ? c : '?'));
}
