using System.Text.Json;
using Cria.Chat;
using Cria.Chat.ToolCalls;
using Cria.Generation;
using Microsoft.Extensions.AI;

namespace Cria.Cli.Commands;

/// <summary>An answer as it came.</summary>
/// <param name="Updates">Its pieces.</param>
/// <param name="First">The time until the first of them.</param>
/// <param name="Taken">The time until the last.</param>
sealed record ChatAnswer(IReadOnlyList<ChatResponseUpdate> Updates, TimeSpan First, TimeSpan Taken)
{
    IEnumerable<AIContent> Contents => Updates.SelectMany(u => u.Contents);

    /// <summary>Messages that were left out because the context was full.</summary>
    public int Dropped => Updates[0].AdditionalProperties?.GetValueOrDefault(CriaChatClient.DroppedMessages) as int? ?? 0;

    /// <summary>The tools whose schemas could not be honoured, and why.</summary>
    public IReadOnlyDictionary<string, string> Unguarded =>
        Updates[0].AdditionalProperties?.GetValueOrDefault(CriaChatClient.UnguardedTools) as IReadOnlyDictionary<string, string> ?? new Dictionary<string, string>();

    /// <summary>The calls as text, or nothing.</summary>
    public string CallText => Contents.OfType<FunctionCallContent>().ToList() is { Count: > 0 } calls ? PythonicCalls.Write(calls) : "";

    /// <summary>Tokens, speed and the wait for the first piece; an answer that was stopped has no count.</summary>
    public string Stats => Contents.OfType<UsageContent>().FirstOrDefault()?.Details is not { OutputTokenCount: { } tokens } usage ? "stopped"
        : FormattableString.Invariant($"{usage.InputTokenCount} prompt tokens, {tokens} new in {Taken.TotalSeconds:F2} s, {tokens / Taken.TotalSeconds:F1} tokens/s, first after {First.TotalSeconds:F2} s");

    /// <summary>`{"ids","text","finish_reason"}`, the calls if there are any, and the counts of tokens.</summary>
    public void Write(Utf8JsonWriter json)
    {
        var usage = Contents.OfType<UsageContent>().FirstOrDefault()?.Details;
        json.WriteNumbers("ids", Updates.SelectMany(u => u.AdditionalProperties?.GetValueOrDefault(CriaChatClient.LogProbs) as IEnumerable<GeneratedToken> ?? []).Select(t => t.Id));
        json.WriteString("text", string.Concat(Updates.Select(u => u.Text)));
        json.WriteString("finish_reason", Updates[^1].FinishReason?.Value);
        if (Contents.OfType<FunctionCallContent>().ToList() is { Count: > 0 } calls)
            json.WriteCalls(calls);
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", usage?.InputTokenCount ?? 0);
        json.WriteNumber("completion_tokens", usage?.OutputTokenCount ?? 0);
        json.WriteEndObject();
        if (Dropped > 0)
            json.WriteNumber("dropped_messages", Dropped);
        if (Unguarded.Count == 0)
            return;
        json.WriteStartObject("unguarded_tools");
        foreach (var (name, why) in Unguarded)
            json.WriteString(name, why);
        json.WriteEndObject();
    }
}
