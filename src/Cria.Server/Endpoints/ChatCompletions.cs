using Cria.Chat;
using Cria.Generation;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;

namespace Cria.Server.Endpoints;

/// <summary>POST /v1/chat/completions.</summary>
static class ChatCompletions
{
    /// <summary>How often a stream says how far images are read: somebody may be looking on.</summary>
    static readonly TimeSpan ImageHeartbeat = TimeSpan.FromSeconds(0.5);

    public static async Task HandleAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.ChatRequest);
        var dialogue = await api.Images.FetchAsync(request.Dialogue, context.RequestAborted);
        var options = Enumerable.Range(0, request.Answers).Select(request.Options).ToList();
        using var model = await api.Models.AcquireAsync(request.Model, request.Answers, context.RequestAborted);
        var reading = new ReadingProgress();
        options.ForEach(o => (o.AdditionalProperties ??= [])[CriaChatClient.ImageProgress] = reading);
        options.ForEach(o => model.Prepare(context, dialogue, o));
        var log = RequestLog.Of(context);
        var (id, created) = ("chatcmpl-" + Guid.NewGuid().ToString("n"), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var updates = Merge.RunAsync(options.Count, (i, cancellation) => model.Client.GetStreamingResponseAsync(dialogue, options[i], cancellation), context.RequestAborted);
        var answers = options.ConvertAll(o => new ChatAnswer(log));
        if (request.Stream == true)
            await StreamAsync();
        else
            await WriteAsync();
        log.Add(model.Name, Usage(), answers.Select(a => a.Transcript));

        async Task WriteAsync()
        {
            await foreach (var (index, update) in updates)
                answers[index].Add(update);
            await Replies.WriteAsync(context, Reply("chat.completion", [.. answers.Select(Whole)], Usage()) with { Timings = TimingsOf([.. answers]) }, WireJson.Default.ChatReply);
        }

        async Task StreamAsync()
        {
            var events = new EventStream(context.Response);
            var begun = new bool[answers.Count];
            var heartbeat = ChatImages.Of(dialogue).Any() && api.Options.Heartbeat > ImageHeartbeat ? ImageHeartbeat : api.Options.Heartbeat;
            await foreach (var (index, update) in updates.WithPauses(heartbeat, () => events.SendSignOfLifeAsync(reading.Part), context.RequestAborted))
            {
                var (text, calls, tokens) = answers[index].Add(update);
                if (!begun[index])
                    await SendAsync(index, new("assistant", "", null), null, null);
                begun[index] = true;
                if (text.Length > 0 || calls.Count > 0 || tokens.Count > 0)
                    await SendAsync(index, new(null, text.Length > 0 ? text : null, calls.Count > 0 ? calls : null), tokens.Count > 0 ? tokens : null, null);
                if (update.FinishReason is not null)
                    await SendAsync(index, new(null, null, null), null, answers[index]);
            }
            if (request.WantsUsage)
                await events.SendAsync(Reply("chat.completion.chunk", [], Usage()), WireJson.Default.ChatReply);
            await events.SendDoneAsync();

            Task SendAsync(int index, WireDelta delta, IReadOnlyList<GeneratedToken>? tokens, ChatAnswer? finished) =>
                events.SendAsync(Reply("chat.completion.chunk", [new(index, null, delta, LogProbsOf(tokens), finished?.Finish)], null) with { Timings = finished is null ? null : TimingsOf(finished) }, WireJson.Default.ChatReply);
        }

        ChatChoice Whole(ChatAnswer answer, int index) => new(index,
            new("assistant", answer.Text.Length == 0 && answer.Calls.Count > 0 ? null : answer.Text, answer.Calls.Count > 0 ? [.. answer.Calls.Select(c => c with { Index = null })] : null),
            null, LogProbsOf(request.Logprobs == true ? answer.Tokens : null), answer.Finish);

        ChoiceLogProbs? LogProbsOf(IReadOnlyList<GeneratedToken>? tokens) => tokens is null ? null : new(LogProbs.Chat(tokens, model.Tokenizer));

        static WireTimings TimingsOf(params ReadOnlySpan<ChatAnswer> answers) => WireTimings.Of([.. answers.ToArray().Select(a => a.Timings!)]);

        ChatReply Reply(string kind, IReadOnlyList<ChatChoice> choices, Usage? usage) => new(id, kind, created, model.Name, choices, usage);

        Usage Usage() => Wire.Usage.Of(answers.Select(a => a.Timings!));
    }
}
