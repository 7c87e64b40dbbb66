using Microsoft.Extensions.Logging;

namespace Cria.Server.Http;

/// <summary>What the endpoints share.</summary>
/// <param name="Options">How the server runs.</param>
/// <param name="Models">Its models.</param>
/// <param name="Logger">Its log.</param>
/// <param name="Stopping">Cancelled when the server is to stop.</param>
sealed record Api(ServerOptions Options, ModelPool Models, ILogger Logger, CancellationToken Stopping);
