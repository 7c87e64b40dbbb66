using System.Text;
using Cria.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Endpoints;

/// <summary>GET /metrics, as Prometheus reads it.</summary>
static class MetricsPage
{
    public static Task ShowAsync(HttpContext context, Api api)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(api.Telemetry.ToPrometheus()), context.RequestAborted).AsTask();
    }
}
