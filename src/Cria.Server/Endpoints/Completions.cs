using System.Text;
using Cria.Generation;
using Cria.Models;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Cria.Server.Endpoints;

/// <summary>POST /v1/completions: texts and ids continued as they are.</summary>
static class Completions
{
    public static async Task HandleAsync(HttpContext context, Api api)
    {
        var request = await RequestBody.ReadAsync(context, WireJson.Default.CompletionRequest);
        // The tokenizer, and so the number of prompts, is known when the model is; then the rest of the leave is asked for.
        using var model = await api.Models.AcquireAsync(request.Model, request.Answers, context.RequestAborted);
        var prompts = request.Prompts(model.Tokenizer);
        using var rest = await api.Models.AcquireAsync(request.Model, request.Answers * (prompts.Count - 1), context.RequestAborted);
        var defaults = model.Client.GetService<TextModel>()!.Defaults;
        var options = Enumerable.Range(0, request.Answers).Select(i => request.Generation(defaults, i) with { Adapter = model.Adapter }).ToList();
        foreach (var prompt in prompts)
            model.Room(prompt.Ids.Length, options[0].MaxTokens);
        var log = RequestLog.Of(context);
        var (id, created) = ("cmpl-" + Guid.NewGuid().ToString("n"), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var answers = prompts.SelectMany(p => options.Select(_ => (p.Text, Tokens: new List<GeneratedToken>(), Written: new StringBuilder(request.Echo == true ? p.Text : "")))).ToList();
        var tokens = Merge.RunAsync(answers.Count, (i, cancellation) => model.Generator.GenerateAsync(prompts[i / options.Count].Ids, options[i % options.Count], cancellation), context.RequestAborted);
        if (request.Stream == true)
            await StreamAsync();
        else
            await WriteAsync();
        log.Add(model.Name, Usage(), answers.Select(a => a.Written.ToString()));

        async Task WriteAsync()
        {
            await foreach (var (index, token) in tokens)
                Add(index, token);
            await Replies.WriteAsync(context, Reply([.. answers.Select((a, i) => new CompletionChoice(i, a.Written.ToString(), LogProbsOf(a.Tokens, a.Written.Length - a.Tokens.Sum(t => t.Text.Length)), Finish(a.Tokens[^1])))], Usage()) with { Timings = WireTimings.Of(Timings()) }, WireJson.Default.CompletionReply);
        }

        async Task StreamAsync()
        {
            var events = new EventStream(context.Response);
            await foreach (var (index, token) in tokens.WithPauses(api.Options.Heartbeat, events.SendSignOfLifeAsync, context.RequestAborted))
            {
                var (_, written, text) = answers[index];
                var offset = text.Length;
                var echo = written.Count == 0 ? text.ToString() : "";
                Add(index, token);
                var piece = echo + token.Text;
                if (piece.Length > 0 || token.Finish is not null || request.Logprobs is not null)
                    await events.SendAsync(Reply([new(index, piece, LogProbsOf([token], offset), Finish(token))], null) with { Timings = token.Timings is { } timings ? WireTimings.Of([timings]) : null }, WireJson.Default.CompletionReply);
            }
            if (request.WantsUsage)
                await events.SendAsync(Reply([], Usage()), WireJson.Default.CompletionReply);
            await events.SendDoneAsync();
        }

        void Add(int index, GeneratedToken token)
        {
            log.Hear();
            answers[index].Tokens.Add(token);
            answers[index].Written.Append(token.Text);
        }

        CompletionReply Reply(IReadOnlyList<CompletionChoice> choices, Usage? usage) => new(id, created, model.Name, choices, usage);

        CompletionLogProbs? LogProbsOf(IReadOnlyList<GeneratedToken> tokens, int offset) =>
            request.Logprobs is null ? null : LogProbs.Completion(tokens, model.Tokenizer, offset);

        Usage Usage() => Timings().Chunk(options.Count).Select(Wire.Usage.Of).Aggregate((a, b) => a + b);

        List<GenerationTimings> Timings() => answers.ConvertAll(a => a.Tokens[^1].Timings!);
    }

    static string? Finish(GeneratedToken token) => token.Finish switch { null => null, FinishReason.Length => "length", _ => "stop" };
}
