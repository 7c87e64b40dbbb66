using System.Text.Json;
using System.Text.Json.Serialization;
using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Server.Wire;

/// <summary>The body of POST /v1/chat/completions.</summary>
sealed record ChatRequest : SamplingRequest
{
    [WireSchema(WireTools.MessagesSchema)]
    public JsonElement Messages { get; init; }

    public int? MaxCompletionTokens { get; init; }

    public bool? Logprobs { get; init; }

    public int? TopLogprobs { get; init; }

    [WireSchema(WireTools.ToolsSchema)]
    public JsonElement? Tools { get; init; }

    [WireSchema(WireTools.ChoiceSchema)]
    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    [WireSchema("""{"type":"object","properties":{"type":{"enum":["text","json_object","json_schema"]},"json_schema":{"type":"object"}},"required":["type"]}""")]
    public JsonElement? ResponseFormat { get; init; }

    /// <summary>Whether the last message, an assistant's text, is gone on with, as it is if this is unset; the name is that of vLLM's server.</summary>
    public bool? ContinueFinalMessage { get; init; }

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
        ApiException.Refuse("modalities", Modalities?.Exists(m => m != "text") == true, "only text is written");
        ApiException.Refuse("audio", Audio, "only text is written");
        ApiException.Refuse("functions", Functions, "functions are called tools now");
        ApiException.Refuse("function_call", FunctionCall, "functions are called tools now");
        ApiException.Refuse("web_search_options", WebSearchOptions, "this server does not search");
        ApiException.Refuse("prediction", Prediction, "predicted outputs are not supported");
        ApiException.Refuse("reasoning_effort", ReasoningEffort is not (null or "none"), "these models do not reason aside");
        ApiException.Refuse("store", Store == true, "chat completions are not stored");
        CheckAlternatives("top_logprobs", TopLogprobs);
        if (TopLogprobs is not null && Logprobs != true)
            throw ApiException.Invalid("top_logprobs", "top_logprobs is given and logprobs is not true");
        var options = Sampling(answer);
        options.MaxOutputTokens = MaxCompletionTokens ?? MaxTokens;
        options.AllowMultipleToolCalls = ParallelToolCalls;
        options.Tools = WireTools.Read("tools", Tools, ChatJson.ReadTools)?.ConvertAll(t => (AITool)t);
        WireTools.Choose(options, ToolChoice);
        options.ResponseFormat = WireTools.Format("response_format", ResponseFormat, nested: true);
        if (ContinueFinalMessage is { } continues)
            options.AdditionalProperties![CriaChatClient.ContinueFinalMessage] = continues;
        if (Logprobs == true)
            options.AdditionalProperties![CriaChatClient.LogProbs] = TopLogprobs ?? 0;
        return options;
    }
}
