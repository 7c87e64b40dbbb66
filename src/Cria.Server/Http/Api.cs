using Microsoft.Extensions.Logging;

namespace Cria.Server.Http;

/// <summary>What the endpoints share.</summary>
sealed record Api
{
    /// <summary>How the server runs.</summary>
    public required ServerOptions Options { get; init; }

    /// <summary>Its models.</summary>
    public required ModelPool Models { get; init; }

    /// <summary>What it counts.</summary>
    public required Telemetry Telemetry { get; init; }

    /// <summary>The responses that it keeps.</summary>
    public ResponseStore Responses { get; } = new();

    /// <summary>Where images that requests give by address come from.</summary>
    public required RemoteImages Images { get; init; }

    /// <summary>Its log.</summary>
    public required ILogger Logger { get; init; }

    /// <summary>Cancelled when the server is to stop.</summary>
    public required CancellationToken Stopping { get; init; }
}
