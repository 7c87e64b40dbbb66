using System.Text;
using Cria.Tokenization;
using CsCheck;

namespace Cria.Tests.Tokenization;

public sealed class TokenizerTests
{
    static Tokenizer Small => TestVocabularies.Small;

    static string[] Tokens(string text) => [.. Small.Encode(text).Select(id => Small.Decode([id]))];

    [Fact]
    public void WholePieceThatIsATokenIsNotMerged()
    {
        Assert.Equal(["hello"], Tokens("hello"));
        Assert.Equal(["he", "l", "lo", "s"], Tokens("hellos")); // merging prefers the lower ranks, so never makes "hello"
    }

    [Fact]
    public void LowestRankIsMergedFirstAndTheLeftmostOfEqualOnes()
    {
        Assert.Equal(["aaaa", "aa", "a"], Tokens("aaaaaaa"));
        Assert.Equal(["123"], Tokens("123"));
        Assert.Equal(["12", "4"], Tokens("124"));
    }

    [Fact]
    public void ControlTokensAreMadeOnlyOnRequest()
    {
        var (plain, special) = (Small.Encode("a<|eot_id|>b"), Small.Encode("a<|eot_id|>b", allowSpecial: true));
        Assert.DoesNotContain(plain, Small.IsSpecial);
        Assert.Equal([Small.Encode("a")[0], Small.EotId, Small.Encode("b")[0]], special);
        var some = Small.Encode("<|eot_id|><|eom_id|>", new HashSet<string> { "<|eom_id|>" }, new HashSet<string>());
        Assert.Equal([Small.EomId], some.Where(Small.IsSpecial));
    }

    [Fact]
    public void ForbiddenControlTokenIsAnErrorUnlessAllowed()
    {
        var forbidden = new HashSet<string> { "<|eot_id|>", "<|eom_id|>" };
        var error = Assert.Throws<CriaException>(() => Small.Encode("ab<|eom_id|>", new HashSet<string> { "<|eot_id|>" }, forbidden));
        Assert.Contains("<|eom_id|> at 2", error.Message);
        Assert.Equal([Small.EotId], Small.Encode("<|eot_id|>", new HashSet<string> { "<|eot_id|>" }, forbidden));
        Assert.Throws<CriaException>(() => Small.Encode("a", new HashSet<string> { "<|no_such|>" }, forbidden));
    }

    [Fact]
    public void ADeviceIsNoVocabulary()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "no /dev/zero");
        Assert.Equal("/dev/zero: 0 bytes are no vocabulary", Assert.Throws<CriaException>(() => Tokenizer.Load("/dev/zero")).Message);
    }

    [Fact]
    public void EncodingEqualsTheSpecificationReadSlowly() =>
        SomeText.Any.Sample(text => Assert.Equal(ReferenceTokenizer.Encode(Small, text), Small.Encode(text)), iter: 2000);

    [Fact]
    public void EncodingWithTheRealVocabularyEqualsTheSpecificationReadSlowly()
    {
        var meta = TestVocabularies.Golden("meta");
        SomeText.Any.Sample(text => Assert.Equal(ReferenceTokenizer.Encode(meta, text), meta.Encode(text)), iter: 2000);
    }

    [Fact]
    public void EncodingIsTheConcatenationOverPieces() =>
        SomeText.Valid.Sample(text => Assert.Equal(ReferenceTokenizer.Split(text).SelectMany(p => Small.Encode(p)), Small.Encode(text)), iter: 1000);

    [Fact]
    public void DecodingGivesTheTextBack() => SomeText.Valid.Sample(text =>
    {
        Assert.Equal(text, Small.Decode(Small.Encode(text)));
        Assert.Equal(text, Small.Decode(Small.Encode(text, allowSpecial: true)));
    }, iter: 1000);

    [Fact]
    public void StreamedPiecesJoinedEqualTheDecodedTextOfAnyIds() =>
        Gen.Int[0, Small.VocabularySize - 1].Array[0, 50].Sample(ids =>
        {
            foreach (var skip in new[] { false, true })
            {
                var decoder = new StreamingDecoder(Small, skip);
                var joined = new StringBuilder();
                foreach (var id in ids)
                    joined.Append(decoder.Push(id));
                Assert.Equal(Small.Decode(ids, skip), joined.Append(decoder.Flush()).ToString());
            }
        }, iter: 2000);

    [Fact]
    public void StreamNeverEmitsHalfACharacter()
    {
        var decoder = new StreamingDecoder(Small);
        var pieces = Encoding.UTF8.GetBytes("ก🐂").Select(b => decoder.Push(Enumerable.Range(0, 256).First(id => Small.TokenBytes(id)[0] == b))).ToList();
        Assert.Equal(["", "", "ก", "", "", "", "🐂"], pieces);
        decoder.Push(Small.Encode("ก")[0]);
        Assert.Equal("\uFFFD", decoder.Flush());
    }

    [Fact]
    public void ManyThreadsGetTheIdsOfOne() => Parallel.For(0, 16, i =>
    {
        var random = new Random(i % 4);
        for (var n = 0; n < 500; n++)
        {
            var text = string.Concat(Enumerable.Range(0, 4).Select(_ => TestVocabularies.Words[random.Next(TestVocabularies.Words.Length)]));
            Assert.Equal(ReferenceTokenizer.Encode(Small, text), Small.Encode(text));
        }
    });

    [Fact]
    public void IdOutsideTheVocabularyIsOneClearError()
    {
        var error = Assert.Throws<CriaException>(() => Small.Decode([Small.VocabularySize]));
        Assert.Equal($"token id {Small.VocabularySize} is outside the vocabulary of {Small.VocabularySize}", error.Message);
        Assert.Throws<CriaException>(() => new StreamingDecoder(Small).Push(-1));
    }
}
