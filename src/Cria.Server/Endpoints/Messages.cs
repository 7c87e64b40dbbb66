using System.Text.Json;
using Cria.Chat;
using Cria.Server.Http;
using Cria.Server.Wire;
using Cria.Tokenization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Cria.Server.Endpoints;

/// <summary>POST /v1/messages and /v1/messages/count_tokens, in Anthropic's shape.</summary>
static class Messages
{
    public const string Path = "/v1/messages";

    public static async Task CountAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.MessageRequest);
        var dialogue = await api.Images.FetchAsync(request.Dialogue(), context.RequestAborted);
        var options = request.Options(dialogue);
        using var model = await api.Models.AcquireAsync(request.Model, 0, context.RequestAborted);
        var count = model.Client.GetService<CriaChatClient>()!.Render(dialogue, options).Encode(model.Tokenizer).Length;
        await Replies.WriteAsync(context, new TokenCount(count), WireJson.Default.TokenCount);
    }

    public static async Task HandleAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.MessageRequest);
        if (request.MaxTokens is null)
            throw ApiException.Invalid("max_tokens", "max_tokens is missing");
        var dialogue = await api.Images.FetchAsync(request.Dialogue(), context.RequestAborted);
        var options = request.Options(dialogue);
        if (options.StopSequences!.Count > 0)
            options.AdditionalProperties![CriaChatClient.LogProbs] = 0; // the tokens tell which sequence it was
        using var model = await api.Models.AcquireAsync(request.Model, 1, context.RequestAborted);
        var read = model.Prepare(context, dialogue, options);
        var log = RequestLog.Of(context);
        var answer = new ChatAnswer(log);
        var reply = new MessageReply("msg_" + Guid.NewGuid().ToString("n"), model.Name, [], new(read, 0, 0));
        var updates = model.Client.GetStreamingResponseAsync(dialogue, options, context.RequestAborted);
        if (request.Stream == true)
            await StreamAsync();
        else
        {
            await foreach (var update in updates)
                answer.Add(update);
            var sequence = StopSequence(answer, options.StopSequences, model.Tokenizer);
            await Replies.WriteAsync(context, reply with { Content = Blocks(answer), Usage = Usage(), Timings = WireTimings.Of([answer.Timings!]), StopReason = Reason(answer, sequence), StopSequence = sequence }, WireJson.Default.MessageReply);
        }
        log.Add(model.Name, Wire.Usage.Of([answer.Timings!]), [answer.Transcript]);

        async Task StreamAsync()
        {
            var events = new EventStream(context.Response);
            var (begun, writing, index) = (false, false, 0);
            await foreach (var update in updates.WithPauses(api.Options.Heartbeat, PingAsync, context.RequestAborted))
            {
                await BeginAsync();
                var (text, calls, _) = answer.Add(update);
                if (text.Length > 0)
                {
                    if (!writing)
                        await SendAsync(new("content_block_start") { Index = index, ContentBlock = new("text") { Text = "" } });
                    writing = true;
                    await SendAsync(new("content_block_delta") { Index = index, Delta = new() { Type = "text_delta", Text = text } });
                }
                if (writing && (calls.Count > 0 || update.FinishReason is not null))
                {
                    await SendAsync(new("content_block_stop") { Index = index++ });
                    writing = false;
                }
                foreach (var call in calls)
                {
                    await SendAsync(new("content_block_start") { Index = index, ContentBlock = Block(call, "{}") });
                    await SendAsync(new("content_block_delta") { Index = index, Delta = new() { Type = "input_json_delta", PartialJson = call.Function.Arguments } });
                    await SendAsync(new("content_block_stop") { Index = index++ });
                }
            }
            var sequence = StopSequence(answer, options.StopSequences, model.Tokenizer);
            await SendAsync(new("message_delta") { Delta = new() { StopReason = Reason(answer, sequence), StopSequence = sequence }, Usage = Usage(), Timings = WireTimings.Of([answer.Timings!]) });
            await SendAsync(new("message_stop"));

            async Task BeginAsync()
            {
                if (!begun)
                    await SendAsync(new("message_start") { Message = reply });
                begun = true;
            }

            async Task PingAsync()
            {
                await BeginAsync();
                await SendAsync(new("ping"));
            }

            Task SendAsync(MessageEvent item) => events.SendAsync(item, WireJson.Default.MessageEvent, item.Type);
        }

        MessageUsage Usage() => new(read - answer.Timings!.CachedTokens, answer.Timings.CachedTokens, answer.Timings.AnswerTokens);
    }

    static List<MessageBlock> Blocks(ChatAnswer answer)
    {
        var blocks = answer.Calls.Select(c => Block(c, c.Function.Arguments)).ToList();
        if (answer.Text.Length > 0)
            blocks.Insert(0, new("text") { Text = answer.Text });
        return blocks;
    }

    static MessageBlock Block(WireCall call, string input) => new("tool_use") { Id = call.Id, Name = call.Function.Name, Input = JsonElement.Parse(input) };

    static string Reason(ChatAnswer answer, string? sequence) => answer.Finish switch
    {
        "tool_calls" => "tool_use",
        "length" => "max_tokens",
        _ => sequence is null ? "end_turn" : "stop_sequence",
    };

    /// <summary>The one whose place in what the model wrote is the first.</summary>
    static string? StopSequence(ChatAnswer answer, IList<string>? sequences, Tokenizer tokenizer)
    {
        if (sequences is null or [] || answer.Finish != "stop" || answer.Tokens.Count == 0 || tokenizer.IsSpecial(answer.Tokens[^1].Id))
            return null;
        var written = tokenizer.Decode([.. answer.Tokens.Select(t => t.Id)], skipSpecial: true);
        return sequences.Where(s => written.Contains(s, StringComparison.Ordinal)).MinBy(s => written.IndexOf(s, StringComparison.Ordinal));
    }
}
