using System.Text;
using Cria.Tokenization;
using CsCheck;

namespace Cria.Tests.Tokenization;

/// <summary>Text made to be slow costs as much for each byte as any other.</summary>
public sealed unsafe class HostileTextTests
{
    public static TheoryData<string> Units => ["a", "aA", "ab1", " ", "\u00A0", "\u0301", "a\u0301", "a ", "!", "\n", " \n", "1", "'", "'s", "<|", "<|eot_id|>", "ก", "🦙", "\U0001D49C", "\0"];

    static Tokenizer[] Tokenizers => [TestVocabularies.Small, .. Directory.Exists(Path.Combine(TestFiles.Root, "..", "shared", "golden")) ? new[] { TestVocabularies.Golden("meta") } : []];

    static string Repeat(string unit, int length) => new StringBuilder().Insert(0, unit, length / unit.Length).ToString();

    [Theory]
    [MemberData(nameof(Units))]
    public void AMegabyteTakesMemoryInProportionToItsLength(string unit)
    {
        foreach (var tokenizer in Tokenizers)
        {
            var text = Repeat(unit, 1 << 20);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var ids = tokenizer.Encode(text, allowSpecial: true);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64L << 20);
            Assert.Equal(text, tokenizer.Decode(ids));
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void APieceOfAnyLengthTakesThreeLookupsAByte(string unit)
    {
        var bytes = Encoding.UTF8.GetBytes(Repeat(unit, 50_000) + new string('\0', Vocabulary.Padding));
        foreach (var vocabulary in Tokenizers.Select(t => t.Vocabulary))
            fixed (byte* piece = bytes)
                foreach (var length in new[] { 2, 95, 96, 97, 1000, bytes.Length - Vocabulary.Padding })
                {
                    var ids = new IdBuffer(16);
                    Assert.InRange(BytePairEncoder.Merge(vocabulary, piece, length, ref ids), 1, 3 * length);
                    Assert.Equal(length, ids.ToArrayAndReturn().Sum(id => vocabulary[id].Length));
                }
    }

    [Fact]
    public void ShortAndLongPiecesAreMergedAlike()
    {
        foreach (var tokenizer in Tokenizers)
            SomeText.From("a", "he", "lo", "hel", "or", "th", "e").Array[50, 120].Select(string.Concat).Sample(
                text => Assert.Equal(ReferenceTokenizer.Encode(tokenizer, text), tokenizer.Encode(text)), iter: 60);
    }
}
