using System.Collections;
using System.Globalization;
using System.Text.Json;
using Cria.Chat.ToolCalls;
using Cria.Formats;
using Cria.Generation;
using Cria.Generation.Constraints;
using Cria.Models;
using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>What <see cref="ChatOptions"/> mean to this client. Whatever cannot be honoured is an error.</summary>
static class ChatOptionsReader
{
    public static GenerationOptions Generation(ChatOptions? options, GenerationDefaults defaults)
    {
        var fallback = GenerationOptions.From(defaults);
        if (options is null)
            return fallback;
        if (options.ConversationId is not null)
            throw new CriaException("ConversationId is not supported: this client keeps nothing between requests; send the whole dialogue");
        if (options.ContinuationToken is not null)
            throw new CriaException("ContinuationToken is not supported: there are no background responses");
        if (options.Reasoning is { Effort: not (null or ReasoningEffort.None) })
            throw new CriaException("Reasoning is not supported: these models do not reason aside");
        if (options.RawRepresentationFactory is not null)
            throw new CriaException("RawRepresentationFactory is not supported: there are no other options beneath these");
        var more = options.AdditionalProperties;
        return fallback with
        {
            Temperature = options.Temperature ?? fallback.Temperature,
            TopP = options.TopP ?? fallback.TopP,
            TopK = options.TopK ?? fallback.TopK,
            MaxTokens = options.MaxOutputTokens,
            StopStrings = options.StopSequences is { } stops ? [.. stops] : [],
            Seed = unchecked((ulong?)options.Seed),
            FrequencyPenalty = options.FrequencyPenalty ?? 0,
            PresencePenalty = options.PresencePenalty ?? 0,
            MinP = Number(more, "min_p") ?? fallback.MinP,
            RepetitionPenalty = Number(more, "repetition_penalty") ?? fallback.RepetitionPenalty,
            LogitBias = LogitBias(more),
            TopLogProbs = TopLogProbs(more),
            Adapter = Adapter(more),
            Constraint = ConstraintOf(options),
            ImageProgress = Progress(more),
        };
    }

    /// <summary>Whether the last message is gone on with: if it is an assistant's text, unless the options say otherwise.</summary>
    public static bool ContinuesFinalMessage(IReadOnlyList<ChatMessage> dialogue, ChatOptions? options)
    {
        var last = dialogue[^1];
        var isText = last.Role == ChatRole.Assistant && last.Contents.All(c => c is TextContent) && !string.IsNullOrWhiteSpace(last.Text);
        var wanted = Flag(options, CriaChatClient.ContinueFinalMessage);
        return wanted == true && !isText ? throw new CriaException($"{CriaChatClient.ContinueFinalMessage} is set and the last message is not an assistant's text")
            : wanted ?? isText;
    }

    /// <summary>What a reply is guarded for while tools are on offer; null if it is not.</summary>
    /// <param name="options">The options.</param>
    /// <param name="request">What does not come from the options.</param>
    public static GuardedRequest? Guard(ChatOptions? options, GuardedRequest request)
    {
        if (request.Tools.Count + request.BuiltinTools.Count == 0)
            return null;
        var required = options!.ToolMode as RequiredChatToolMode;
        var isGuarded = Flag(options, CriaChatClient.GuardTools) ?? true;
        var hasOwn = options.AdditionalProperties?.GetValueOrDefault("constraint") is not null;
        if (required is not null && (hasOwn || !isGuarded))
            throw new CriaException($"ToolMode requires a call and {(hasOwn ? "there is a constraint" : $"{CriaChatClient.GuardTools} is false")}; only one of them can be honoured");
        var document = options.ResponseFormat is ChatResponseFormatJson json ? json.Schema?.GetRawText() ?? Constraint.JsonObject : null;
        if (!isGuarded && document is not null)
            throw new CriaException($"ResponseFormat is JSON beside tools and {CriaChatClient.GuardTools} is false; only one of them can be honoured");
        return hasOwn || !isGuarded ? null : request with
        {
            IsRequired = required is not null,
            RequiredName = required?.RequiredFunctionName,
            ManyCalls = options.AllowMultipleToolCalls != false,
            Document = document,
        };
    }

    /// <summary>The functions on offer.</summary>
    public static IReadOnlyList<AIFunctionDeclaration> Tools(ChatOptions? options)
    {
        if (options?.Tools is not { Count: > 0 } given || options.ToolMode is NoneChatToolMode)
            return options?.ToolMode is RequiredChatToolMode ? throw new CriaException("ToolMode requires a call, and there are no tools") : [];
        List<AIFunctionDeclaration> tools = [.. given.Select(t => t as AIFunctionDeclaration ?? throw new CriaException($"the tool {t?.Name ?? "null"} is not a function"))];
        return options.ToolMode is RequiredChatToolMode { RequiredFunctionName: { } name } && !tools.Exists(t => t.Name == name)
            ? throw new CriaException($"ToolMode requires a call of {OneLine.Quote(name)}, which is not among the tools") : tools;
    }

    /// <summary>The messages, with the options' instructions at the head of the system message.</summary>
    public static List<ChatMessage> Dialogue(IEnumerable<ChatMessage> messages, ChatOptions? options, bool takesImages)
    {
        var list = messages.ToList();
        if (list.Count == 0)
            throw new CriaException("messages is empty");
        if (list.Any(m => m is null))
            throw new CriaException("messages holds a null");
        ChatImages.Check(list, takesImages);
        if (string.IsNullOrEmpty(options?.Instructions))
            return list;
        if (list[0].Role != ChatRole.System)
            return [new ChatMessage(ChatRole.System, options.Instructions), .. list];
        return [new ChatMessage(ChatRole.System, $"{options.Instructions}\n\n{list[0].Text}"), .. list.Skip(1)];
    }

    static bool? Flag(ChatOptions? options, string name) => options?.AdditionalProperties?.GetValueOrDefault(name) switch
    {
        null => null,
        false or JsonElement { ValueKind: JsonValueKind.False } => false,
        true or JsonElement { ValueKind: JsonValueKind.True } => true,
        _ => throw new CriaException($"{name} is neither true nor false"),
    };

    static float? Number(AdditionalPropertiesDictionary? properties, string name)
    {
        object? value = null;
        return properties?.TryGetValue(name, out value) == true && value is not null
            ? ToNumber(value) ?? throw new CriaException($"{name} is not a number") : null;
    }

    /// <summary>The adapter that a request is read with.</summary>
    public static Adapter? Adapter(AdditionalPropertiesDictionary? properties) =>
        properties?.TryGetValue("adapter", out var value) != true || value is null ? null
            : value as Adapter ?? throw new CriaException("adapter is none that LoadAdapter gave");

    static IProgress<double>? Progress(AdditionalPropertiesDictionary? properties) => properties?.GetValueOrDefault(CriaChatClient.ImageProgress) switch
    {
        null => null,
        IProgress<double> progress => progress,
        _ => throw new CriaException($"{CriaChatClient.ImageProgress} is no IProgress<double>"),
    };

    static Constraint? ConstraintOf(ChatOptions options)
    {
        object? given = null;
        if (options.AdditionalProperties?.TryGetValue("constraint", out given) == true && given is not (null or Constraint))
            throw new CriaException("constraint is not a Constraint");
        if (options.ResponseFormat is not ChatResponseFormatJson json)
            return (Constraint?)given;
        if (given is not null)
            throw new CriaException("ResponseFormat is JSON and there is a constraint; only one of them can be honoured");
        return json.Schema is { } schema ? Constraint.JsonSchema(schema.GetRawText()) : Constraint.Json();
    }

    static float? ToNumber(object? value)
    {
        try
        {
            return value switch
            {
                JsonElement { ValueKind: JsonValueKind.Number } json => json.GetSingle(),
                bool or char or DateTime => null,
                IConvertible number => number.ToSingle(CultureInfo.InvariantCulture),
                _ => null,
            };
        }
        catch (Exception e) when (e is FormatException or OverflowException or InvalidCastException)
        {
            return null;
        }
    }

    static Dictionary<int, float>? LogitBias(AdditionalPropertiesDictionary? properties)
    {
        if (properties?.TryGetValue("logit_bias", out var value) != true || value is null)
            return null;
        IEnumerable<(object? Id, object? Bias)> entries = value switch
        {
            JsonElement { ValueKind: JsonValueKind.Object } json => json.EnumerateObject().Select(p => ((object?)p.Name, (object?)p.Value)),
            IDictionary map => map.Keys.Cast<object>().Select(k => ((object?)k, map[k])),
            IEnumerable<KeyValuePair<int, float>> pairs => pairs.Select(p => ((object?)p.Key, (object?)p.Value)),
            _ => throw new CriaException("logit_bias is not a map from token ids to numbers"),
        };
        var biases = new Dictionary<int, float>();
        foreach (var (id, bias) in entries)
            biases[int.TryParse(Convert.ToString(id, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out var token) ? token
                : throw new CriaException("logit_bias has a key that is no token id")] = ToNumber(bias) ?? throw new CriaException($"logit_bias of token {id} is not a number");
        return biases;
    }

    /// <summary>`logprobs` is a flag or the number of alternatives; `top_logprobs` is that number.</summary>
    static int? TopLogProbs(AdditionalPropertiesDictionary? properties)
    {
        object? flag = null, count = null;
        properties?.TryGetValue("logprobs", out flag);
        properties?.TryGetValue("top_logprobs", out count);
        var wanted = flag switch
        {
            null or false or JsonElement { ValueKind: JsonValueKind.False } => (float?)null,
            true or JsonElement { ValueKind: JsonValueKind.True } => 0,
            _ => ToNumber(flag) ?? throw new CriaException("logprobs is neither a flag nor a number"),
        };
        var number = count is null ? wanted : ToNumber(count) ?? throw new CriaException("top_logprobs is not a number");
        return number is null ? null : number is >= 0 and <= 1000 && float.IsInteger(number.Value) ? (int)number
            : throw new CriaException(FormattableString.Invariant($"logprobs is {number}; it must be a whole number between 0 and 1000"));
    }
}
