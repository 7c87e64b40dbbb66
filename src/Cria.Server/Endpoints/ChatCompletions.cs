using System.Text;
using System.Text.Json;
using Cria.Chat;
using Cria.Generation;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

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
        var (id, created) = ("chatcmpl-" + Guid.NewGuid().ToString("n"), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var updates = Merge.RunAsync(options.Count, (i, cancellation) => model.Client.GetStreamingResponseAsync(dialogue, options[i], cancellation), context.RequestAborted);
        var answers = options.ConvertAll(o => new ChatAnswer(model, withLogProbs: request.Logprobs == true));
        if (request.Stream == true)
            await StreamAsync();
        else
            await WriteAsync();
        RequestLog.Of(context).Add(model.Name, Usage());

        async Task WriteAsync()
        {
            await foreach (var (index, update) in updates)
                answers[index].Add(update);
            await Replies.WriteAsync(context, Reply("chat.completion", [.. answers.Select((a, i) => a.Whole(i))], Usage()), WireJson.Default.ChatReply);
        }

        async Task StreamAsync()
        {
            var events = new EventStream(context.Response);
            await foreach (var item in updates.Select(u => new { u.Stream, u.Item }).WithPauses(api.Options.Heartbeat, context.RequestAborted))
                if (item is null)
                    await events.SendSignOfLifeAsync();
                else
                    foreach (var piece in answers[item.Stream].Add(item.Item, item.Stream))
                        await events.SendAsync(Reply("chat.completion.chunk", [piece], null), WireJson.Default.ChatReply);
            if (request.WantsUsage)
                await events.SendAsync(Reply("chat.completion.chunk", [], Usage()), WireJson.Default.ChatReply);
            await events.SendDoneAsync();
        }

        ChatReply Reply(string kind, IReadOnlyList<ChatChoice> choices, Usage? usage) => new(id, kind, created, model.Name, choices, usage);

        Usage Usage() => new(answers.Max(a => a.Usage?.InputTokenCount ?? 0), answers.Sum(a => a.Usage?.OutputTokenCount ?? 0));
    }
}

/// <summary>One of a request's answers as it grows.</summary>
sealed class ChatAnswer(ModelLease model, bool withLogProbs)
{
    static readonly JsonSerializerOptions Compact = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    readonly StringBuilder _text = new();
    readonly List<WireCall> _calls = [];
    readonly List<GeneratedToken> _tokens = [];
    bool _begun;

    public UsageDetails? Usage { get; private set; }

    public string? Finish { get; private set; }

    public string Text => _text.ToString();

    public IReadOnlyList<WireCall> Calls => _calls;

    /// <summary>Takes in what has come.</summary>
    public (string Text, List<WireCall> Calls, IReadOnlyList<GeneratedToken> Tokens) Add(ChatResponseUpdate update)
    {
        var text = string.Concat(update.Contents.OfType<TextContent>().Select(t => t.Text));
        var calls = update.Contents.OfType<FunctionCallContent>().Select((c, i) => new WireCall(_calls.Count + i, c.CallId, "function", new(c.Name, Arguments(c)))).ToList();
        var tokens = withLogProbs && update.AdditionalProperties?.GetValueOrDefault(CriaChatClient.LogProbs) is IReadOnlyList<GeneratedToken> given ? given : [];
        Usage = update.Contents.OfType<UsageContent>().LastOrDefault()?.Details ?? Usage;
        Finish = update.FinishReason?.Value ?? Finish;
        _text.Append(text);
        _calls.AddRange(calls);
        _tokens.AddRange(tokens);
        return (text, calls, tokens);
    }

    /// <summary>Takes in what has come, and gives it as pieces of a stream.</summary>
    public IEnumerable<ChatChoice> Add(ChatResponseUpdate update, int index)
    {
        var (text, calls, tokens) = Add(update);
        var logProbs = tokens.Count > 0 ? LogProbs.Chat(tokens, model.Tokenizer) : null;
        if (!_begun)
            yield return new(index, null, new("assistant", "", null), null, null);
        _begun = true;
        if (text.Length > 0 || calls.Count > 0 || logProbs is not null)
            yield return new(index, null, new(null, text.Length > 0 ? text : null, calls.Count > 0 ? calls : null), logProbs, null);
        if (update.FinishReason is not null)
            yield return new(index, null, new(null, null, null), null, Finish);
    }

    /// <summary>The whole answer.</summary>
    public ChatChoice Whole(int index) => new(index, new("assistant", Text.Length == 0 && _calls.Count > 0 ? null : Text, _calls.Count == 0 ? null : [.. _calls.Select(c => c with { Index = null })]), null,
        withLogProbs ? LogProbs.Chat(_tokens, model.Tokenizer) : null, Finish);

    static string Arguments(FunctionCallContent call) => JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), Compact.GetTypeInfo(typeof(IDictionary<string, object?>)));
}
