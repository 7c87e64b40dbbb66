using Cria.Generation;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Endpoints;

/// <summary>GET /v1/models and /v1/models/{id}.</summary>
static class ModelCatalogue
{
    public static Task ListAsync(HttpContext context, Api api) =>
        Replies.WriteAsync(context, new ModelList("list", [.. api.Models.Names.Select(n => Describe(n, api))]), WireJson.Default.ModelList);

    public static Task ShowAsync(HttpContext context, Api api) =>
        Replies.WriteAsync(context, Describe((string)context.Request.RouteValues["id"]!, api), WireJson.Default.WireModel);

    static WireModel Describe(string id, Api api)
    {
        var (name, created, client) = api.Models.Describe(id);
        return new(name, "model", created, "cria", client is not null, (client?.GetService(typeof(Generator)) as Generator)?.MaxPositions);
    }
}
