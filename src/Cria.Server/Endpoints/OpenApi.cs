using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Endpoints;

/// <summary>GET /openapi.json: the endpoints and the shapes of their bodies, from the list and the types that serve them.</summary>
static class OpenApi
{
    const string Json = "application/json";

    static readonly JsonSchemaExporterOptions Exporter = new()
    {
        TreatNullObliviousAsNonNullable = true,
        TransformSchemaNode = (context, node) => context.PropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(WireSchemaAttribute), inherit: false) is [WireSchemaAttribute given]
            ? JsonNode.Parse(given.Schema)! : node,
    };

    static readonly Lazy<byte[]> Document = new(() => Encoding.UTF8.GetBytes(Describe().ToJsonString()));

    public static Task ShowAsync(HttpContext context, Api api)
    {
        context.Response.ContentType = Json;
        return context.Response.Body.WriteAsync(Document.Value, context.RequestAborted).AsTask();
    }

    static JsonObject Describe()
    {
        var paths = new JsonObject();
        foreach (var route in Routes.All)
        {
            var path = route.Path.Replace("**", "");
            var operation = new JsonObject
            {
                ["summary"] = route.Summary,
                ["responses"] = new JsonObject { ["200"] = Body(route.Reply), ["default"] = Body(WireJson.Default.WireError) },
            };
            if (path.Contains("{id}"))
                operation["parameters"] = new JsonArray(new JsonObject { ["name"] = "id", ["in"] = "path", ["required"] = true, ["schema"] = new JsonObject { ["type"] = "string" } });
            if (route.Request is not null)
                operation["requestBody"] = Body(route.Request, isRequired: true);
            if (paths[path] is not JsonObject item)
                paths[path] = item = [];
            item[route.Method.ToLowerInvariant()] = operation;
        }
        return new()
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = "Cria", ["version"] = typeof(OpenApi).Assembly.GetName().Version!.ToString(3) },
            ["components"] = new JsonObject { ["securitySchemes"] = new JsonObject { ["key"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" } } },
            ["security"] = new JsonArray(new JsonObject(), new JsonObject { ["key"] = new JsonArray() }),
            ["paths"] = paths,
        };
    }

    static JsonObject Body(JsonTypeInfo? type, bool isRequired = false)
    {
        var body = isRequired ? new JsonObject { ["required"] = true } : new JsonObject { ["description"] = type == WireJson.Default.WireError ? "An error" : "The answer" };
        if (type is not null)
            body["content"] = new JsonObject { [Json] = new JsonObject { ["schema"] = type.GetJsonSchemaAsNode(Exporter) } };
        return body;
    }
}
