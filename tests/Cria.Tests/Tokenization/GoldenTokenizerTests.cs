using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Cria.Tokenization;

namespace Cria.Tests.Tokenization;

/// <summary>The recordings of Meta's tokenizer (../shared/golden/tokenizer) and the vectors of spec section 5.8.</summary>
public sealed class GoldenTokenizerTests
{
    static IEnumerable<JsonElement> Cases(string file) =>
        JsonElement.Parse(File.ReadAllBytes(TestFiles.Golden("tokenizer", file))).GetProperty("cases").EnumerateArray();

    static int[] Ids(JsonElement json, string name = "ids") => [.. json.GetProperty(name).EnumerateArray().Select(n => n.GetInt32())];

    static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    static string? Optional(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.ToString() : null;

    [Theory]
    [InlineData("meta", 690)]
    [InlineData("hf", 18)]
    [InlineData("hf-vision", 18)]
    public void EveryRecordedTextHasTheRecordedIds(string table, int count)
    {
        var tokenizer = TestVocabularies.Golden(table);
        var cases = Cases("cases.json").Where(c => (Optional(c, "vocab") ?? "meta") == table).ToList();
        Assert.Equal(count, cases.Count);
        Assert.All(cases, c =>
        {
            var ids = tokenizer.Encode(Text(c, "text"), Text(c, "special") == "all");
            Assert.Equal(Ids(c), Optional(c, "bos") == "True" ? [tokenizer.BosId, .. ids] : ids);
        });
    }

    [Fact]
    public void BothFormsOfTheVocabularyGiveTheSameIds() =>
        Assert.All(Cases("cases.json").Where(c => Text(c, "special") == "none" && Optional(c, "bos") is null),
            c => Assert.Equal(Ids(c), TestVocabularies.Golden("hf").Encode(Text(c, "text"))));

    [Fact]
    public void LongTextsAreCutAsRecorded() => Assert.All(Cases("long.json"), c =>
    {
        var tokenizer = TestVocabularies.Golden("meta");
        var ids = tokenizer.Encode(string.Concat(c.GetProperty("gen").EnumerateArray().Select(g => Generate(tokenizer, g))), Text(c, "special") == "all");
        Assert.Equal(c.GetProperty("count").GetInt32(), ids.Length);
        Assert.Equal(Text(c, "sha256"), Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids))));
    });

    static string Generate(Tokenizer tokenizer, JsonElement part)
    {
        if (part.TryGetProperty("text", out var text))
            return text.GetString()!;
        if (part.TryGetProperty("repeat", out var repeat))
            return new StringBuilder().Insert(0, repeat[0].GetString()!, repeat[1].GetInt32()).ToString();
        var range = part.GetProperty("vocab");
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        var texts = new List<string>();
        for (var id = range[0].GetInt32(); id < range[1].GetInt32(); id++)
            if (System.Text.Unicode.Utf8.IsValid(tokenizer.TokenBytes(id)))
                texts.Add(strict.GetString(tokenizer.TokenBytes(id)));
        return string.Join(Text(part, "sep"), texts);
    }

    [Fact]
    public void LoneSurrogatesAreReplacementCharacters() => Assert.All(Cases("utf16.json"), c => Assert.Equal(Ids(c),
        TestVocabularies.Golden("meta").Encode(string.Concat(Ids(c, "utf16").Select(u => (char)u)), Text(c, "special") == "all")));

    [Fact]
    public void IdsDecodeToTheRecordedTextAndStreamInTheRecordedPieces() => Assert.All(Cases("decode.json"), c =>
    {
        var tokenizer = TestVocabularies.Golden("meta");
        var skip = Optional(c, "skip_special") == "True";
        Assert.Equal(Text(c, "text"), tokenizer.Decode(Ids(c), skip));
        var decoder = new StreamingDecoder(tokenizer, skip);
        Assert.Equal(c.GetProperty("pieces").EnumerateArray().Select(p => p.GetString()), [.. Ids(c).Select(decoder.Push), decoder.Flush()]);
    });

    [Fact]
    public void LlamaCppVectorsAgree()
    {
        var texts = File.ReadAllText(TestFiles.Golden("tokenizer", "llama-bpe.inp")).Split("\n__ggml_vocab_test__\n");
        var ids = File.ReadAllText(TestFiles.Golden("tokenizer", "llama-bpe.out")).Split('\n');
        Assert.All(texts.Zip(ids), pair => Assert.Equal(pair.Second.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse),
            TestVocabularies.Golden("meta").Encode(pair.First)));
    }

    [Theory]
    [InlineData("This is a test sentence.", "2028 374 264 1296 11914 13")]
    [InlineData("Hello, world!", "9906 11 1917 0")]
    [InlineData("ipython", "23799 4690")]
    [InlineData("  \n  x", "2355 220 865")]
    [InlineData("a\n\n\nb", "64 1432 65")]
    [InlineData("I'll can't WE'RE", "40 3358 649 956 20255 95253")]
    [InlineData("1234567", "4513 10961 22")]
    [InlineData("日本語", "102433 102158")]
    [InlineData("नमस्ते दुनिया", "61196 88344 79468 100365 35470 100291 101391 100322 24810")]
    [InlineData("สวัสดี", "106123 119657 29419")]
    [InlineData("🚀🚀", "9468 248 222 9468 248 222")]
    [InlineData("\U0001D49Cbc", "57352 240 250 9081")]
    [InlineData("\U00020000", "172 64319 222")]
    [InlineData("e\u0301", "68 54939")]
    [InlineData("line1\r\nline2", "1074 16 319 1074 17")]
    [InlineData("def f(x):\n    return x+1\n", "755 282 2120 997 262 471 865 10 16 198")]
    [InlineData("<|eot_id|>", "27 91 68 354 851 91 29")]
    [InlineData(" Việt jeho", "101798 101503")]
    public void VectorsOfTheSpecificationAgree(string text, string ids) =>
        Assert.Equal(ids.Split(' ').Select(int.Parse), TestVocabularies.Golden("meta").Encode(text));

    [Fact]
    public void SpecialNamesFollowTheVocabulary()
    {
        Assert.Equal(128011, TestVocabularies.Golden("meta").SpecialId("<|image|>"));
        Assert.Null(TestVocabularies.Golden("hf").SpecialId("<|image|>"));
        Assert.Equal(128256, TestVocabularies.Golden("hf-vision").SpecialId("<|image|>"));
        Assert.Equal(128012, TestVocabularies.Golden("meta").SpecialId("<|reserved_special_token_2|>"));
        Assert.Equal(128005, TestVocabularies.Golden("hf").SpecialId("<|reserved_special_token_2|>"));
    }
}
