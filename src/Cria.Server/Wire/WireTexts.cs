using System.Text.Json;
using Cria.Tokenization;

namespace Cria.Server.Wire;

/// <summary>Texts that are given as texts or as token ids, one or several.</summary>
static class WireTexts
{
    public const string Schema = """{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}},{"type":"array","items":{"type":"integer"}},{"type":"array","items":{"type":"array","items":{"type":"integer"}}}]}""";

    /// <summary>A text gets one BOS and nothing in it becomes a control token, ids are taken as they are.</summary>
    /// <exception cref="ApiException">It is none of the four shapes, or holds more than <paramref name="most"/> texts or an id that is no token.</exception>
    public static IReadOnlyList<(int[] Ids, string Text)> Read(string param, JsonElement given, Tokenizer tokenizer, int most)
    {
        var texts = given.ValueKind == JsonValueKind.Array && !IsIds(given) ? given.EnumerateArray().ToList() : [given];
        return texts.Count >= 1 && texts.Count <= most ? [.. texts.Select(Read)]
            : throw ApiException.Invalid(param, $"{param} holds {texts.Count} texts; it must be between 1 and {most}");

        (int[], string) Read(JsonElement text)
        {
            if (text.ValueKind == JsonValueKind.String)
                return ([tokenizer.BosId, .. tokenizer.Encode(text.GetString())], text.GetString()!);
            if (text.ValueKind != JsonValueKind.Array || !IsIds(text))
                throw ApiException.Invalid(param, $"{param} is none of a text, a list of texts, a list of token ids and a list of such lists");
            int[] ids = [.. text.EnumerateArray().Select(i => i.GetInt32())];
            return ids.All(i => (uint)i < (uint)tokenizer.VocabularySize) ? (ids, tokenizer.Decode(ids))
                : throw ApiException.Invalid(param, $"{param} holds a token outside the vocabulary of {tokenizer.VocabularySize}");
        }

        static bool IsIds(JsonElement list) => list.GetArrayLength() > 0 && list.EnumerateArray().All(i => i.ValueKind == JsonValueKind.Number && i.TryGetInt32(out _));
    }
}
