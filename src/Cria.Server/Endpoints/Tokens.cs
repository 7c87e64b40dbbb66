using Cria.Chat;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Cria.Server.Endpoints;

/// <summary>POST /tokenize, /detokenize and /apply-template.</summary>
static class Tokens
{
    public static async Task TokenizeAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.TokenizeRequest);
        var text = request.Content ?? throw ApiException.Invalid("content", "content is missing");
        using var model = await api.Models.AcquireAsync(request.Model, 0, context.RequestAborted);
        int[] ids = [.. request.AddSpecial == true ? [model.Tokenizer.BosId] : Array.Empty<int>(), .. model.Tokenizer.Encode(text, request.ParseSpecial == true)];
        await Replies.WriteAsync(context, new TokenList(ids), WireJson.Default.TokenList);
    }

    public static async Task DetokenizeAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.DetokenizeRequest);
        var ids = request.Tokens ?? throw ApiException.Invalid("tokens", "tokens is missing");
        using var model = await api.Models.AcquireAsync(request.Model, 0, context.RequestAborted);
        await Replies.WriteAsync(context, new TokenText(model.Tokenizer.Decode([.. ids])), WireJson.Default.TokenText);
    }

    public static async Task ApplyTemplateAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.TemplateRequest);
        var dialogue = WireTools.Read("messages", request.Messages, ChatJson.ReadMessages);
        var tools = WireTools.Read("tools", request.Tools, ChatJson.ReadTools)?.ConvertAll(t => (AITool)t);
        using var model = await api.Models.AcquireAsync(request.Model, 0, context.RequestAborted);
        var prompt = model.Client.GetService<CriaChatClient>()!.Render(dialogue, new() { Tools = tools });
        await Replies.WriteAsync(context, new TemplateReply(prompt.Text, prompt.Encode(model.Tokenizer)), WireJson.Default.TemplateReply);
    }
}
