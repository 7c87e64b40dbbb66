using Cria.Generation;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Cria.Server.Endpoints;

/// <summary>POST /v1/responses, and GET and DELETE of those that are kept.</summary>
static class Responses
{
    public const string Path = "/v1/responses";

    public static Task ShowAsync(HttpContext context, Api api) =>
        Replies.WriteAsync(context, api.Responses.Find(RequestLog.Of(context).Caller, Id(context)).Reply, WireJson.Default.ResponseReply);

    public static Task DeleteAsync(HttpContext context, Api api)
    {
        api.Responses.Delete(RequestLog.Of(context).Caller, Id(context));
        return Replies.WriteAsync(context, new ResponseDeleted(Id(context)), WireJson.Default.ResponseDeleted);
    }

    public static async Task HandleAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.ResponseRequest);
        var log = RequestLog.Of(context);
        var before = request.PreviousResponseId is { } previous ? api.Responses.Find(log.Caller, previous, "previous_response_id").Dialogue : [];
        List<ChatMessage> dialogue = [.. before, .. await api.Images.FetchAsync(request.Dialogue(), context.RequestAborted)];
        var options = request.Options();
        using var model = await api.Models.AcquireAsync(request.Model, 1, context.RequestAborted);
        model.Prepare(context, dialogue, options);
        var answer = new ChatAnswer(log);
        var empty = new ResponseReply("resp_" + Guid.NewGuid().ToString("n"), DateTimeOffset.UtcNow.ToUnixTimeSeconds(), model.Name, "in_progress", [])
        {
            PreviousResponseId = request.PreviousResponseId,
            Instructions = request.Instructions,
            MaxOutputTokens = request.MaxOutputTokens,
            Temperature = request.Temperature,
            TopP = request.TopP,
            ParallelToolCalls = request.ParallelToolCalls ?? true,
            ToolChoice = request.ToolChoice,
            Tools = request.Tools,
            Text = request.Text,
            Metadata = request.Metadata ?? [],
            Store = request.Store ?? true,
        };
        var updates = model.Client.GetStreamingResponseAsync(dialogue, options, context.RequestAborted);
        if (request.Stream == true)
            await new ResponseStream(new EventStream(context.Response), empty, answer, LogProbsOf).RunAsync(updates, api.Options.Heartbeat, Finished, context.RequestAborted);
        else
        {
            await foreach (var update in updates)
                answer.Add(update);
            List<ResponseItem> items = [.. answer.Calls.Select(ResponseStream.Call)];
            if (answer.Text.Length > 0 || items.Count == 0)
                items.Insert(0, ResponseStream.Text("msg_" + Guid.NewGuid().ToString("n"), answer.Text, LogProbsOf(answer.Tokens)));
            await Replies.WriteAsync(context, Finished(items), WireJson.Default.ResponseReply);
        }
        log.Add(model.Name, Usage.Of([answer.Timings!]), [answer.Transcript]);

        ResponseReply Finished(IReadOnlyList<ResponseItem> items)
        {
            var isCut = answer.Finish == ChatFinishReason.Length.Value;
            var reply = empty with
            {
                Status = isCut ? "incomplete" : "completed",
                IncompleteDetails = isCut ? new("max_output_tokens") : null,
                Output = items,
                Usage = new(answer.Timings!.PromptTokens, answer.Timings.AnswerTokens, new(answer.Timings.CachedTokens)),
                Timings = WireTimings.Of([answer.Timings]),
            };
            if (reply.Store)
                api.Responses.Keep(log.Caller, reply, [.. dialogue, answer.Message]);
            return reply;
        }

        IReadOnlyList<WireLogProb> LogProbsOf(IReadOnlyList<GeneratedToken> tokens) => request.WantsLogProbs ? LogProbs.Chat(tokens, model.Tokenizer) : [];
    }

    static string Id(HttpContext context) => (string)context.Request.RouteValues["id"]!;
}

/// <summary>The events of a streamed response, in the order that OpenAI's clients expect.</summary>
sealed class ResponseStream(EventStream events, ResponseReply reply, ChatAnswer answer, Func<IReadOnlyList<GeneratedToken>, IReadOnlyList<WireLogProb>> logProbs)
{
    const string InProgress = "in_progress";

    readonly List<ResponseItem> _items = [];
    readonly List<GeneratedToken> _tokens = [];
    string? _message; // the id of the one being written
    int _sent;

    public static ResponseItem Call(WireCall call) => new("function_call", "fc_" + call.Id, "completed") { CallId = call.Id, Name = call.Function.Name, Arguments = call.Function.Arguments };

    public static ResponseItem Text(string id, string text, IReadOnlyList<WireLogProb> logProbs) => new("message", id, "completed") { Role = "assistant", Content = [new(text, logProbs)] };

    public async Task RunAsync(IAsyncEnumerable<ChatResponseUpdate> updates, TimeSpan heartbeat, Func<IReadOnlyList<ResponseItem>, ResponseReply> finished, CancellationToken cancellation)
    {
        await foreach (var update in updates.WithPauses(heartbeat, ShowLifeAsync, cancellation))
        {
            await BeginAsync();
            var (text, calls, tokens) = answer.Add(update);
            if (text.Length > 0 || tokens.Count > 0)
                await WriteAsync(text, tokens);
            if (calls.Count > 0 && _message is not null)
                await CloseAsync();
            foreach (var call in calls)
                await CallAsync(Call(call));
        }
        if (_items.Count == 0 && _message is null)
            await OpenAsync();
        if (_message is not null)
            await CloseAsync();
        var end = finished(_items);
        await SendAsync(new($"response.{end.Status}") { Response = end });
    }

    /// <summary>Not before there is something to say: what is wrong with a request is an error of its own.</summary>
    async Task BeginAsync()
    {
        if (_sent > 0)
            return;
        await SendAsync(new("response.created") { Response = reply });
        await SendAsync(new("response.in_progress") { Response = reply });
    }

    async Task ShowLifeAsync()
    {
        await BeginAsync();
        await events.SendSignOfLifeAsync();
    }

    async Task WriteAsync(string text, IReadOnlyList<GeneratedToken> tokens)
    {
        if (_message is null)
            await OpenAsync();
        _tokens.AddRange(tokens);
        await SendAsync(new("response.output_text.delta") { ItemId = _message, OutputIndex = _items.Count, ContentIndex = 0, Delta = text, Logprobs = logProbs(tokens) });
    }

    async Task OpenAsync()
    {
        _message = "msg_" + Guid.NewGuid().ToString("n");
        await SendAsync(new("response.output_item.added") { OutputIndex = _items.Count, Item = new("message", _message, InProgress) { Role = "assistant", Content = [] } });
        await SendAsync(new("response.content_part.added") { ItemId = _message, OutputIndex = _items.Count, ContentIndex = 0, Part = new("", []) });
    }

    async Task CloseAsync()
    {
        var item = Text(_message!, answer.Text, logProbs(_tokens));
        await SendAsync(new("response.output_text.done") { ItemId = _message, OutputIndex = _items.Count, ContentIndex = 0, Text = answer.Text, Logprobs = item.Content![0].Logprobs });
        await SendAsync(new("response.content_part.done") { ItemId = _message, OutputIndex = _items.Count, ContentIndex = 0, Part = item.Content[0] });
        await SendAsync(new("response.output_item.done") { OutputIndex = _items.Count, Item = item });
        _items.Add(item);
        _message = null;
    }

    async Task CallAsync(ResponseItem call)
    {
        await SendAsync(new("response.output_item.added") { OutputIndex = _items.Count, Item = call with { Status = InProgress, Arguments = "" } });
        await SendAsync(new("response.function_call_arguments.delta") { ItemId = call.Id, OutputIndex = _items.Count, Delta = call.Arguments });
        await SendAsync(new("response.function_call_arguments.done") { ItemId = call.Id, OutputIndex = _items.Count, Name = call.Name, Arguments = call.Arguments });
        await SendAsync(new("response.output_item.done") { OutputIndex = _items.Count, Item = call });
        _items.Add(call);
    }

    Task SendAsync(ResponseEvent item) => events.SendAsync(item with { SequenceNumber = _sent++ }, WireJson.Default.ResponseEvent, item.Type);
}
