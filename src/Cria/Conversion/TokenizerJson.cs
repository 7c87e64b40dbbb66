using System.Text.Json;

namespace Cria.Conversion;

/// <summary>Writes a vocabulary as `tokenizer.json` of Hugging Face's tokenizers, with Llama 3's split pattern (spec section 5).</summary>
static class TokenizerJson
{
    const string Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public static void Write(Utf8JsonWriter json, VocabularyList vocabulary)
    {
        json.WriteString("version", "1.0");
        json.WriteStartArray("added_tokens");
        for (var id = 0; id < vocabulary.Tokens.Length; id++)
        {
            if (vocabulary.Kinds[id] is not (VocabularyList.Control or VocabularyList.UserDefined))
                continue;
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", vocabulary.Tokens[id]);
            foreach (var flag in (string[])["single_word", "lstrip", "rstrip", "normalized"])
                json.WriteBoolean(flag, false);
            json.WriteBoolean("special", vocabulary.Kinds[id] == VocabularyList.Control);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", Pattern);
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
        json.WriteEndObject();
        WriteByteLevel(json, null);
        json.WriteEndArray();
        json.WriteEndObject();
        WriteByteLevel(json, "decoder");
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteBoolean("ignore_merges", true);
        json.WriteStartObject("vocab");
        for (var id = 0; id < vocabulary.Tokens.Length; id++)
            if (vocabulary.Kinds[id] == VocabularyList.Normal)
                json.WriteNumber(vocabulary.Tokens[id], id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var merge in vocabulary.Merges)
            json.WriteStringValue(merge);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void WriteByteLevel(Utf8JsonWriter json, string? name)
    {
        if (name is null)
            json.WriteStartObject();
        else
            json.WriteStartObject(name);
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", false);
        json.WriteEndObject();
    }
}
