using System.Text.Json;

namespace Cria.Server.Wire;

/// <summary>The body of POST /tokenize.</summary>
sealed record TokenizeRequest : WireRequest
{
    public string? Content { get; init; }

    /// <summary>Whether BOS stands before.</summary>
    public bool? AddSpecial { get; init; }

    /// <summary>Whether text that spells a control token becomes one.</summary>
    public bool? ParseSpecial { get; init; }
}

/// <summary>The answer.</summary>
sealed record TokenList(IReadOnlyList<int> Tokens)
{
    public int Count => Tokens.Count;
}

/// <summary>The body of POST /detokenize.</summary>
sealed record DetokenizeRequest : WireRequest
{
    public List<int>? Tokens { get; init; }
}

/// <summary>The answer.</summary>
sealed record TokenText(string Content);

/// <summary>The body of POST /apply-template.</summary>
sealed record TemplateRequest : WireRequest
{
    [WireSchema(WireTools.MessagesSchema)]
    public JsonElement Messages { get; init; }

    [WireSchema(WireTools.ToolsSchema)]
    public JsonElement? Tools { get; init; }
}

/// <summary>The answer: the prompt as text and as ids.</summary>
sealed record TemplateReply(string Prompt, IReadOnlyList<int> Tokens);
