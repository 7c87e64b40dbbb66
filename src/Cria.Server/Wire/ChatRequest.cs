using System.Text.Json;
using System.Text.Json.Serialization;
using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Server.Wire;

/// <summary>The body of POST /v1/chat/completions.</summary>
sealed record ChatRequest : SamplingRequest
{
    const int MostAlternatives = 20;

    public JsonElement Messages { get; init; }

    public int? MaxCompletionTokens { get; init; }

    public bool? Logprobs { get; init; }

    public int? TopLogprobs { get; init; }

    public JsonElement? Tools { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    public JsonElement? ResponseFormat { get; init; }

    public List<string>? Modalities { get; init; }

    public JsonElement? Audio { get; init; }

    public JsonElement? Functions { get; init; }

    public JsonElement? FunctionCall { get; init; }

    public JsonElement? WebSearchOptions { get; init; }

    public JsonElement? Prediction { get; init; }

    public string? ReasoningEffort { get; init; }

    public bool? Store { get; init; }

    public Dictionary<string, string>? Metadata { get; init; }

    public string? ServiceTier { get; init; }

    [JsonIgnore]
    public List<ChatMessage> Dialogue => WireTools.Read("messages", Messages, ChatJson.ReadMessages);

    /// <summary>The options of one of the answers.</summary>
    /// <exception cref="ApiException">A value is wrong, or cannot be honoured.</exception>
    public ChatOptions Options(int answer)
    {
        Refuse("modalities", Modalities?.Exists(m => m != "text") == true, "only text is written");
        Refuse("audio", Audio, "only text is written");
        Refuse("functions", Functions, "functions are called tools now");
        Refuse("function_call", FunctionCall, "functions are called tools now");
        Refuse("web_search_options", WebSearchOptions, "this server does not search");
        Refuse("prediction", Prediction, "predicted outputs are not supported");
        Refuse("reasoning_effort", ReasoningEffort is not (null or "none"), "these models do not reason aside");
        Refuse("store", Store == true, "chat completions are not stored");
        if (TopLogprobs is < 0 or > MostAlternatives)
            throw ApiException.Invalid("top_logprobs", $"top_logprobs is {TopLogprobs}; it must be between 0 and {MostAlternatives}");
        if (TopLogprobs is not null && Logprobs != true)
            throw ApiException.Invalid("top_logprobs", "top_logprobs is given and logprobs is not true");
        var options = Sampling(answer);
        options.MaxOutputTokens = MaxCompletionTokens ?? MaxTokens;
        options.AllowMultipleToolCalls = ParallelToolCalls;
        options.Tools = WireTools.Read("tools", Tools, ChatJson.ReadTools)?.ConvertAll(t => (AITool)t);
        WireTools.Choose(options, ToolChoice);
        options.ResponseFormat = WireTools.Format("response_format", ResponseFormat, nested: true);
        if (Logprobs == true)
            options.AdditionalProperties![CriaChatClient.LogProbs] = TopLogprobs ?? 0;
        return options;
    }

    static void Refuse(string param, JsonElement? value, string why) => Refuse(param, value is { ValueKind: not JsonValueKind.Null }, why);

    static void Refuse(string param, bool isAsked, string why)
    {
        if (isAsked)
            throw ApiException.Unsupported(param, $"{param} cannot be honoured: {why}");
    }
}
