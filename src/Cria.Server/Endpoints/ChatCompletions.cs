using Cria.Generation;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Endpoints;

/// <summary>POST /v1/chat/completions.</summary>
static class ChatCompletions
{
    public static async Task HandleAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.ChatRequest);
        var dialogue = request.Dialogue;
        var options = Enumerable.Range(0, request.Answers).Select(request.Options).ToList();
        using var model = await api.Models.AcquireAsync(request.Model, request.Answers, context.RequestAborted);
        options.ForEach(o => model.Prepare(dialogue, o));
        var log = RequestLog.Of(context);
        var (id, created) = ("chatcmpl-" + Guid.NewGuid().ToString("n"), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var updates = Merge.RunAsync(options.Count, (i, cancellation) => model.Client.GetStreamingResponseAsync(dialogue, options[i], cancellation), context.RequestAborted);
        var answers = options.ConvertAll(o => new ChatAnswer(log));
        if (request.Stream == true)
            await StreamAsync();
        else
            await WriteAsync();
        log.Add(model.Name, Usage().PromptTokens, Usage().CompletionTokens);

        async Task WriteAsync()
        {
            await foreach (var (index, update) in updates)
                answers[index].Add(update);
            await Replies.WriteAsync(context, Reply("chat.completion", [.. answers.Select(Whole)], Usage()), WireJson.Default.ChatReply);
        }

        async Task StreamAsync()
        {
            var events = new EventStream(context.Response);
            var begun = new bool[answers.Count];
            await foreach (var item in updates.Select(u => new { Index = u.Stream, Update = u.Item }).WithPauses(api.Options.Heartbeat, context.RequestAborted))
            {
                if (item is null)
                {
                    await events.SendSignOfLifeAsync();
                    continue;
                }
                var (text, calls, tokens) = answers[item.Index].Add(item.Update);
                if (!begun[item.Index])
                    await SendAsync(item.Index, new("assistant", "", null), null, null);
                begun[item.Index] = true;
                if (text.Length > 0 || calls.Count > 0 || tokens.Count > 0)
                    await SendAsync(item.Index, new(null, text.Length > 0 ? text : null, calls.Count > 0 ? calls : null), tokens.Count > 0 ? tokens : null, null);
                if (item.Update.FinishReason is not null)
                    await SendAsync(item.Index, new(null, null, null), null, answers[item.Index].Finish);
            }
            if (request.WantsUsage)
                await events.SendAsync(Reply("chat.completion.chunk", [], Usage()), WireJson.Default.ChatReply);
            await events.SendDoneAsync();

            Task SendAsync(int index, WireDelta delta, IReadOnlyList<GeneratedToken>? tokens, string? finish) =>
                events.SendAsync(Reply("chat.completion.chunk", [new(index, null, delta, LogProbsOf(tokens), finish)], null), WireJson.Default.ChatReply);
        }

        ChatChoice Whole(ChatAnswer answer, int index) => new(index,
            new("assistant", answer.Text.Length == 0 && answer.Calls.Count > 0 ? null : answer.Text, answer.Calls.Count > 0 ? [.. answer.Calls.Select(c => c with { Index = null })] : null),
            null, LogProbsOf(request.Logprobs == true ? answer.Tokens : null), answer.Finish);

        ChoiceLogProbs? LogProbsOf(IReadOnlyList<GeneratedToken>? tokens) => tokens is null ? null : new(LogProbs.Chat(tokens, model.Tokenizer));

        ChatReply Reply(string kind, IReadOnlyList<ChatChoice> choices, Usage? usage) => new(id, kind, created, model.Name, choices, usage);

        Usage Usage() => new(answers.Max(a => a.Read), answers.Sum(a => a.Written));
    }
}
