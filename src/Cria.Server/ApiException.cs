using System.Text.Json;
using System.Text.RegularExpressions;

namespace Cria.Server;

/// <summary>An answer that is an error, in the terms of OpenAI's API.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="message">One line for the client.</param>
/// <param name="code">A word for programs, or null.</param>
/// <param name="param">The field at fault, or null.</param>
sealed partial class ApiException(int status, string message, string? code = null, string? param = null) : Exception(message)
{
    public int Status => status;

    public string? Code => code;

    public string? Param => param;

    /// <summary>Seconds after which to try again.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>OpenAI's word for the kind of error.</summary>
    public string Type => status switch
    {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    /// <summary>A field that is wrong.</summary>
    public static ApiException Invalid(string param, string message) => new(400, message, "invalid_value", param);

    /// <summary>A field that is known and whose value cannot be honoured.</summary>
    public static ApiException Unsupported(string param, string message) => new(400, message, "unsupported_value", param);

    /// <summary>Refuses a field that is there.</summary>
    public static void Refuse(string param, JsonElement? value, string why) => Refuse(param, value is { ValueKind: not JsonValueKind.Null }, why);

    /// <summary>Refuses a value that cannot be honoured.</summary>
    public static void Refuse(string param, bool isAsked, string why)
    {
        if (isAsked)
            throw Unsupported(param, $"{param} cannot be honoured: {why}");
    }

    /// <summary>What the engine says is wrong with a request; its messages name the field first.</summary>
    public static ApiException From(CriaException e) =>
        new(400, e.Message, "invalid_value", FieldFirst().Match(e.Message) is { Success: true } match ? match.Groups[1].Value : null);

    [GeneratedRegex(@"^([a-z][a-z_0-9]*(?:\[\d+\]|\.[a-z_]+)*) (?:is|holds|names|has|of token|stands)\b")]
    private static partial Regex FieldFirst();
}
