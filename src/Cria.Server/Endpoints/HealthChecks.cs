using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Endpoints;

/// <summary>GET /health: the process lives; GET /health/ready: it takes requests.</summary>
static class HealthChecks
{
    public static Task LiveAsync(HttpContext context, Api api) => Replies.WriteAsync(context, new Health("ok"), WireJson.Default.Health);

    public static Task ReadyAsync(HttpContext context, Api api) => api.Stopping.IsCancellationRequested
        ? Replies.WriteAsync(context, new Health("stopping"), WireJson.Default.Health, StatusCodes.Status503ServiceUnavailable)
        : Replies.WriteAsync(context, new Health("ready"), WireJson.Default.Health);
}
