using System.Text;
using System.Text.Json;
using Cria.Chat;
using Cria.Generation;
using Cria.Server.Http;
using Cria.Server.Wire;
using Microsoft.Extensions.AI;

namespace Cria.Server.Endpoints;

/// <summary>An answer as it grows.</summary>
/// <param name="log">Hears of its beginning.</param>
sealed class ChatAnswer(RequestLog log)
{
    static readonly JsonSerializerOptions Compact = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    readonly StringBuilder _text = new();
    readonly List<AIContent> _contents = [];
    readonly List<WireCall> _calls = [];
    readonly List<GeneratedToken> _tokens = [];

    public string Text => _text.ToString();

    /// <summary>All that it says.</summary>
    public string Transcript => string.Join('\n', [Text, .. _calls.Select(c => $"{c.Function.Name} {c.Function.Arguments}")]);

    public IReadOnlyList<WireCall> Calls => _calls;

    /// <summary>Its tokens, if log probabilities were asked for.</summary>
    public IReadOnlyList<GeneratedToken> Tokens => _tokens;

    /// <summary>Why it ended, in OpenAI's words.</summary>
    public string? Finish { get; private set; }

    /// <summary>What it took, when it has ended.</summary>
    public GenerationTimings? Timings { get; private set; }

    /// <summary>The message that it is.</summary>
    public ChatMessage Message => new(ChatRole.Assistant, _text.Length > 0 ? [new TextContent(Text), .. _contents] : _contents);

    /// <summary>Takes in what has come, and gives what is new.</summary>
    public (string Text, IReadOnlyList<WireCall> Calls, IReadOnlyList<GeneratedToken> Tokens) Add(ChatResponseUpdate update)
    {
        log.Hear();
        var text = string.Concat(update.Contents.OfType<TextContent>().Select(t => t.Text));
        var calls = update.Contents.OfType<FunctionCallContent>().ToList();
        var wire = calls.Select((c, i) => new WireCall(_calls.Count + i, c.CallId, "function", new(c.Name, Arguments(c)))).ToList();
        var tokens = update.AdditionalProperties?.GetValueOrDefault(CriaChatClient.LogProbs) is IReadOnlyList<GeneratedToken> given ? given : [];
        Timings = update.AdditionalProperties?.GetValueOrDefault(CriaChatClient.Timings) as GenerationTimings ?? Timings;
        Finish = update.FinishReason?.Value ?? Finish;
        _text.Append(text);
        _contents.AddRange(calls);
        _calls.AddRange(wire);
        _tokens.AddRange(tokens);
        return (text, wire, tokens);
    }

    static string Arguments(FunctionCallContent call) => JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), Compact.GetTypeInfo(typeof(IDictionary<string, object?>)));
}
