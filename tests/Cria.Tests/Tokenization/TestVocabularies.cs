using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Cria.Tokenization;

namespace Cria.Tests.Tokenization;

/// <summary>Vocabularies to test with, each loaded once.</summary>
static class TestVocabularies
{
    static readonly Lazy<Tokenizer> LazySmall = new(CreateSmall);
    static readonly Lazy<Tokenizer> LazyMeta = new(() => Tokenizer.Load(TestFiles.Golden("tokenizer", "llama3.tokenizer.model")));
    static readonly Lazy<Tokenizer> LazyText = new(() => CreateHuggingFace(names => names));
    static readonly Lazy<Tokenizer> LazyVision = new(() => CreateHuggingFace(names =>
        [.. names[..5], "<|step_id|>", .. names[6..11], .. Enumerable.Range(2, 245).Select(k => $"<|reserved_special_token_{k}|>"), "<|image|>"]));

    /// <summary>256 bytes and <see cref="Words"/>, read from a file in the form of `tokenizer.model`.</summary>
    public static Tokenizer Small => LazySmall.Value;

    /// <summary>In order of rank. "hello" is not reached by merging: its parts end as "he", "l" and "lo".</summary>
    public static readonly string[] Words =
        ["  ", "he", "lo", "ll", "hello", "in", " w", "wo", "or", " wor", "th", "the", "ö", "กก", "aa", "aaaa", "\n\n", "123", "12", "’s", "🦙", " \n", "'s", "<|", "|>", "eo"];

    /// <summary>The recorded vocabulary with the control tokens of a table; skips where the recordings are absent.</summary>
    public static Tokenizer Golden(string table)
    {
        TestFiles.Golden("tokenizer");
        return (table switch { "meta" => LazyMeta, "hf" => LazyText, _ => LazyVision }).Value;
    }

    static Tokenizer CreateSmall()
    {
        var words = ByteAlphabet.Order.Select(b => new[] { b }).Concat(Words.Select(Encoding.UTF8.GetBytes)).ToList();
        return Load("small.model", string.Join('\n', words.Select((w, i) => $"{Convert.ToBase64String(w)} {i}")));
    }

    static Tokenizer CreateHuggingFace(Func<string[], string[]> rename)
    {
        using var zip = new GZipStream(File.OpenRead(TestFiles.Golden("tokenizer", "tokenizer.json.gz")), CompressionMode.Decompress);
        var json = JsonNode.Parse(zip)!;
        var added = json["added_tokens"]!.AsArray().OrderBy(t => (int)t!["id"]!).ToList();
        var names = rename([.. added.Select(t => (string)t!["content"]!)]);
        json["added_tokens"] = new JsonArray([.. names.Select((n, i) =>
        {
            var token = added[0]!.DeepClone();
            (token["id"], token["content"]) = (128000 + i, n);
            return token;
        })]);
        return Load("tokenizer.json", json.ToJsonString());
    }

    static Tokenizer Load(string name, string text)
    {
        var folder = Directory.CreateTempSubdirectory("cria-test-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, name), text);
            return Tokenizer.Load(Path.Combine(folder.FullName, name));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
