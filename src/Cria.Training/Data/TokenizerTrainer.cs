using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Cria.Tokenization;

namespace Cria.Training.Data;

/// <summary>
/// Learns a byte-level BPE vocabulary with Llama 3's split and its 256 control tokens, and writes it as `tokenizer.model` and
/// `tokenizer.json` (spec sections 5.1 and 5.6). The same texts give the same vocabulary.
/// </summary>
static class TokenizerTrainer
{
    const string SplitPattern = // protocol constant: the pre-tokenizer of Llama 3 (llama-models, models/llama3/tokenizer.py)
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The tokens in the order of their ids: the 256 bytes, then merges by how often the pair occurs, ties by the lower ids.</summary>
    /// <param name="texts">The corpus.</param>
    /// <param name="count">Ordinary tokens wanted; fewer if the corpus runs out of pairs that occur twice.</param>
    public static List<byte[]> Learn(IEnumerable<string> texts, int count)
    {
        List<byte[]> tokens = [.. ByteAlphabet.Order.Select(b => new[] { b })];
        var words = Words(texts);
        var pairs = new Dictionary<(int Left, int Right), long>();
        var places = new Dictionary<(int Left, int Right), HashSet<int>>();
        for (var w = 0; w < words.Count; w++)
            Count(w, +1);
        var known = new HashSet<string>(tokens.Select(Convert.ToHexString));
        while (tokens.Count < count)
        {
            var (best, most) = ((-1, -1), 1L);
            foreach (var (pair, n) in pairs)
                if (n > most || n == most && best.Item1 >= 0 && pair.CompareTo(best) < 0)
                    (best, most) = (pair, n);
            if (best.Item1 < 0)
                break;
            byte[] joined = [.. tokens[best.Item1], .. tokens[best.Item2]];
            if (!known.Add(Convert.ToHexString(joined)))
            {
                pairs.Remove(best); // the same bytes by another way: the encoder merges them by rank already
                continue;
            }
            tokens.Add(joined);
            foreach (var w in places[best].ToList())
            {
                Count(w, -1);
                Merge(words[w].Ids, best, tokens.Count - 1);
                Count(w, +1);
            }
        }
        return tokens;

        void Count(int w, int sign)
        {
            var (ids, n) = words[w];
            for (var i = 0; i + 1 < ids.Count; i++)
            {
                var pair = (ids[i], ids[i + 1]);
                ref var total = ref CollectionsMarshal.GetValueRefOrAddDefault(pairs, pair, out _);
                total += sign * n;
                ref var set = ref CollectionsMarshal.GetValueRefOrAddDefault(places, pair, out _);
                set ??= [];
                if (sign > 0)
                    set.Add(w);
                else
                    set.Remove(w);
            }
        }
    }

    /// <summary>Writes both files of a vocabulary.</summary>
    public static void Write(string directory, IReadOnlyList<byte[]> tokens)
    {
        var model = new StringBuilder();
        for (var rank = 0; rank < tokens.Count; rank++)
            model.Append(CultureInfo.InvariantCulture, $"{Convert.ToBase64String(tokens[rank])} {rank}\n");
        File.WriteAllText(Path.Combine(directory, "tokenizer.model"), model.ToString());
        using var file = File.Create(Path.Combine(directory, "tokenizer.json"));
        using var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        WriteJson(json, tokens);
    }

    /// <summary>The different pieces of the texts as ids of single bytes, with how often each occurs, in the order of first occurrence.</summary>
    static unsafe List<(List<int> Ids, long Count)> Words(IEnumerable<string> texts)
    {
        var counts = new OrderedDictionary<string, long>(); // by the piece in Latin-1: a character a byte
        foreach (var text in texts)
        {
            byte[] bytes = [.. Encoding.UTF8.GetBytes(text), 0];
            fixed (byte* start = bytes)
            {
                var end = start + bytes.Length - 1;
                for (var at = start; at < end;)
                {
                    var next = Splitter.NextPiece(at, end);
                    var word = Encoding.Latin1.GetString(at, (int)(next - at));
                    counts[word] = counts.GetValueOrDefault(word) + 1;
                    at = next;
                }
            }
        }
        var ids = new int[256];
        for (var id = 0; id < 256; id++)
            ids[ByteAlphabet.Order[id]] = id;
        return [.. counts.Select(w => (w.Key.Select(b => ids[b]).ToList(), w.Value))];
    }

    static void Merge(List<int> ids, (int Left, int Right) pair, int merged)
    {
        var to = 0;
        for (var i = 0; i < ids.Count; i++)
        {
            var found = i + 1 < ids.Count && ids[i] == pair.Left && ids[i + 1] == pair.Right;
            ids[to++] = found ? merged : ids[i];
            if (found)
                i++;
        }
        ids.RemoveRange(to, ids.Count - to);
    }

    static void WriteJson(Utf8JsonWriter json, IReadOnlyList<byte[]> tokens)
    {
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        for (var i = 0; i < SpecialTokens.Count; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("id", tokens.Count + i);
            json.WriteString("content", SpecialTokens.Meta[i]);
            foreach (var flag in (string[])["single_word", "lstrip", "rstrip", "normalized"])
                json.WriteBoolean(flag, false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNull("normalizer");
        json.WritePropertyName("pre_tokenizer");
        json.WriteRawValue($$"""
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":{{JsonSerializer.Serialize(SplitPattern)}}},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
            """);
        json.WritePropertyName("post_processor");
        json.WriteRawValue($$$$"""
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|begin_of_text|>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"SpecialToken":{"id":"<|begin_of_text|>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"<|begin_of_text|>","type_id":1}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"<|begin_of_text|>":{"id":"<|begin_of_text|>","ids":[{{{{tokens.Count}}}}],"tokens":["<|begin_of_text|>"]}}}
            """);
        json.WritePropertyName("decoder");
        json.WriteRawValue("""{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""");
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        foreach (var nothing in (string[])["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"])
            json.WriteNull(nothing);
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", true);
        json.WriteStartObject("vocab");
        for (var id = 0; id < tokens.Count; id++)
            json.WriteNumber(Characters(tokens[id]), id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var (left, right) in Merges(tokens))
            json.WriteStringValue($"{Characters(left)} {Characters(right)}");
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Every way to make a token of two others, by token, then by the ranks of the parts (spec 5.6).</summary>
    static IEnumerable<(byte[] Left, byte[] Right)> Merges(IReadOnlyList<byte[]> tokens)
    {
        var ranks = new Dictionary<string, int>();
        for (var id = 0; id < tokens.Count; id++)
            ranks.Add(Convert.ToHexString(tokens[id]), id);
        foreach (var token in tokens)
        {
            var splits = new List<(int Left, int Right)>();
            for (var at = 1; at < token.Length; at++)
                if (ranks.TryGetValue(Convert.ToHexString(token, 0, at), out var left) && ranks.TryGetValue(Convert.ToHexString(token, at, token.Length - at), out var right))
                    splits.Add((left, right));
            foreach (var (left, right) in splits.Order())
                yield return (tokens[left], tokens[right]);
        }
    }

    static string Characters(byte[] token) => string.Concat(token.Select(ByteAlphabet.ToChar));
}
