using System.Text.Json.Serialization.Metadata;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Endpoints;

/// <summary>An endpoint.</summary>
/// <param name="Method">GET, POST or DELETE.</param>
/// <param name="Path">With `{id}` or `{**id}` for a name.</param>
/// <param name="Summary">What it does.</param>
/// <param name="HandleAsync">Answers.</param>
/// <param name="Request">The body it reads.</param>
/// <param name="Reply">The body it writes when it does not stream.</param>
sealed record Route(string Method, string Path, string Summary, Func<HttpContext, Api, Task> HandleAsync, JsonTypeInfo? Request = null, JsonTypeInfo? Reply = null);

/// <summary>All endpoints but the pages.</summary>
static class Routes
{
    public static IReadOnlyList<Route> All { get; } =
    [
        new("POST", "/v1/chat/completions", "Answers a dialogue", ChatCompletions.HandleAsync, WireJson.Default.ChatRequest, WireJson.Default.ChatReply),
        new("POST", "/v1/completions", "Continues texts or ids", Completions.HandleAsync, WireJson.Default.CompletionRequest, WireJson.Default.CompletionReply),
        new("POST", "/v1/embeddings", "Texts or ids as vectors", Embeddings.HandleAsync, WireJson.Default.EmbeddingRequest, WireJson.Default.EmbeddingReply),
        new("POST", Responses.Path, "Answers a dialogue that the server keeps", Responses.HandleAsync, WireJson.Default.ResponseRequest, WireJson.Default.ResponseReply),
        new("GET", Responses.Path + "/{id}", "A response that is kept", Responses.ShowAsync, null, WireJson.Default.ResponseReply),
        new("DELETE", Responses.Path + "/{id}", "Forgets a response", Responses.DeleteAsync, null, WireJson.Default.ResponseDeleted),
        new("POST", Messages.Path, "Answers a dialogue, in Anthropic's shape", Messages.HandleAsync, WireJson.Default.MessageRequest, WireJson.Default.MessageReply),
        new("POST", Messages.Path + "/count_tokens", "The tokens of a dialogue", Messages.CountAsync, WireJson.Default.MessageRequest, WireJson.Default.TokenCount),
        new("GET", "/v1/models", "The models", ModelCatalogue.ListAsync, null, WireJson.Default.ModelList),
        new("GET", "/v1/models/{**id}", "A model", ModelCatalogue.ShowAsync, null, WireJson.Default.WireModel),
        new("POST", "/models/load", "Loads a model before it is needed", ModelCatalogue.LoadAsync, WireJson.Default.ModelOrder, WireJson.Default.WireModel),
        new("POST", "/models/unload", "Lets go of a model's memory", ModelCatalogue.UnloadAsync, WireJson.Default.ModelOrder, WireJson.Default.WireModel),
        new("POST", "/tokenize", "The ids of a text", Tokens.TokenizeAsync, WireJson.Default.TokenizeRequest, WireJson.Default.TokenList),
        new("POST", "/detokenize", "The text of ids", Tokens.DetokenizeAsync, WireJson.Default.DetokenizeRequest, WireJson.Default.TokenText),
        new("POST", "/apply-template", "The prompt of a dialogue", Tokens.ApplyTemplateAsync, WireJson.Default.TemplateRequest, WireJson.Default.TemplateReply),
        new("GET", "/health", "Whether the process lives", HealthChecks.LiveAsync, null, WireJson.Default.Health),
        new("GET", "/health/ready", "Whether it takes requests", HealthChecks.ReadyAsync, null, WireJson.Default.Health),
        new("GET", "/metrics", "Counts and times, as Prometheus reads them", MetricsPage.ShowAsync),
        new("GET", "/openapi.json", "This description", OpenApi.ShowAsync),
    ];
}
