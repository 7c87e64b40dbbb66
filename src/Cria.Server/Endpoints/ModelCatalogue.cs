using Cria.Generation;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Endpoints;

/// <summary>GET /v1/models and /v1/models/{id}, POST /models/load and /models/unload.</summary>
static class ModelCatalogue
{
    public static Task ListAsync(HttpContext context, Api api) =>
        Replies.WriteAsync(context, new ModelList("list", [.. api.Models.Names.Select(n => Describe(n, api))]), WireJson.Default.ModelList);

    public static Task ShowAsync(HttpContext context, Api api) =>
        Replies.WriteAsync(context, Describe((string)context.Request.RouteValues["id"]!, api), WireJson.Default.WireModel);

    /// <summary>Loads a model before it is needed.</summary>
    public static async Task LoadAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.ModelOrder);
        using var model = await api.Models.AcquireAsync(request.Model, 0, context.RequestAborted);
        await Replies.WriteAsync(context, Describe(model.Name, api), WireJson.Default.WireModel);
    }

    /// <summary>Lets go of a model's memory.</summary>
    public static async Task UnloadAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.ModelOrder);
        var name = request.Model ?? api.Models.Names.First();
        api.Models.Unload(name);
        await Replies.WriteAsync(context, Describe(name, api), WireJson.Default.WireModel);
    }

    static WireModel Describe(string id, Api api)
    {
        var (name, created, client, takesImages) = api.Models.Describe(id);
        return new(name, "model", created, "cria", client is not null, (client?.GetService(typeof(Generator)) as Generator)?.MaxPositions, takesImages ? ["text", "image"] : ["text"]);
    }
}
