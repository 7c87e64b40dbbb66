using Cria.Models;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Cria.Server.Endpoints;

/// <summary>POST /v1/embeddings.</summary>
static class Embeddings
{
    public static async Task HandleAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.EmbeddingRequest);
        // The tokenizer, and so the number of texts, is known when the model is; then leave is asked for as many as are read at once.
        using var model = await api.Models.AcquireAsync(request.Model, 1, context.RequestAborted);
        request.Check(model.Client.GetService<TextModel>()!.Config.HiddenSize);
        var texts = request.Texts(model.Tokenizer, model.Context);
        using var rest = await api.Models.AcquireAsync(request.Model, Math.Min(texts.Count, model.Generator.TextsAtOnce) - 1, context.RequestAborted);
        var embeddings = await model.Generator.EmbedAsync(texts, model.Adapter, context.RequestAborted);
        var tokens = texts.Sum(t => (long)t.Length);
        RequestLog.Of(context).Add(model.Name, new(tokens, 0, new(0)), []);
        await Replies.WriteAsync(context, new EmbeddingReply("list", [.. embeddings.Select((e, i) => new WireEmbedding("embedding", i, request.Write(e)))], model.Name, new(tokens)), WireJson.Default.EmbeddingReply);
    }
}
