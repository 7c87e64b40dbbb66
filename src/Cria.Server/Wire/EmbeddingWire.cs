using System.Runtime.InteropServices;
using System.Text.Json;
using Cria.Tokenization;

namespace Cria.Server.Wire;

/// <summary>The body of POST /v1/embeddings.</summary>
sealed record EmbeddingRequest : WireRequest
{
    const int MostTexts = 2048;

    [WireSchema(WireTexts.Schema)]
    public JsonElement Input { get; init; }

    [WireSchema("""{"enum":["float","base64"]}""")]
    public string? EncodingFormat { get; init; }

    public int? Dimensions { get; init; }

    public string? User { get; init; }

    /// <summary>The texts as ids.</summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="context">The tokens that one may have.</param>
    /// <exception cref="ApiException">The input is wrong, or a text is too long.</exception>
    public IReadOnlyList<int[]> Texts(Tokenizer tokenizer, int context)
    {
        int[][] texts = [.. WireTools.Read("input", Input, input => WireTexts.Read("input", input, tokenizer, MostTexts)).Select(t => t.Ids)];
        var tooLong = Array.FindIndex(texts, t => t.Length > context);
        return tooLong < 0 ? texts : throw new ApiException(400, $"input[{tooLong}] of {texts[tooLong].Length} tokens does not fit the context of {context}", "context_length_exceeded", "input");
    }

    /// <summary>Says what cannot be honoured.</summary>
    /// <param name="width">The values that an embedding of the model has.</param>
    /// <exception cref="ApiException">The format or the number of dimensions is another.</exception>
    public void Check(int width)
    {
        if (EncodingFormat is not (null or "float" or "base64"))
            throw ApiException.Unsupported("encoding_format", $"encoding_format is {OneLine.Quote(EncodingFormat)}, not float or base64");
        if (Dimensions is { } dimensions && dimensions != width)
            throw ApiException.Unsupported("dimensions", $"dimensions is {dimensions}; the embeddings of this model have {width}");
    }

    /// <summary>An embedding in the format that was asked for: numbers, or the base64 of little-endian float32.</summary>
    public object Write(float[] embedding) => EncodingFormat == "base64" ? Convert.ToBase64String(MemoryMarshal.AsBytes(embedding.AsSpan())) : embedding;
}

/// <summary>The answer.</summary>
sealed record EmbeddingReply(string Object, IReadOnlyList<WireEmbedding> Data, string Model, EmbeddingUsage Usage);

/// <summary>The embedding of one text.</summary>
sealed record WireEmbedding(string Object, int Index,
    [property: WireSchema("""{"anyOf":[{"type":"array","items":{"type":"number"}},{"type":"string","contentEncoding":"base64"}]}""")] object Embedding);

/// <summary>Tokens read.</summary>
sealed record EmbeddingUsage(long PromptTokens)
{
    public long TotalTokens => PromptTokens;
}
