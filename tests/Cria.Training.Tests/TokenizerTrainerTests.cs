using Cria.Tokenization;
using Cria.Training.Data;

namespace Cria.Training.Tests;

public sealed class TokenizerTrainerTests
{
    static readonly string[] Texts = ["the cat and the hat", "the hat that the cat had", "แมวสีขาว แมวสีดำ", "12 34 12", "a  b\n\nc"];

    [Fact]
    public void TheMostFrequentPairIsMergedFirst()
    {
        var tokens = TokenizerTrainer.Learn(["abab abab ab"], 258).Skip(256).Select(t => System.Text.Encoding.UTF8.GetString(t));
        Assert.Equal("ab", tokens.First());
    }

    [Fact]
    public void BothFilesGiveTheSameIdsAndDecodeToTheText()
    {
        var directory = Directory.CreateTempSubdirectory("cria-test-").FullName;
        try
        {
            var tokens = TokenizerTrainer.Learn(Texts, 300);
            Assert.Equal(tokens, TokenizerTrainer.Learn(Texts, 300));
            TokenizerTrainer.Write(directory, tokens);
            var (model, json) = (Tokenizer.Load(Path.Combine(directory, "tokenizer.model")), Tokenizer.Load(Path.Combine(directory, "tokenizer.json")));
            Assert.Equal(tokens.Count + 256, json.VocabularySize);
            Assert.Equal(model.Specials.OrderBy(s => s.Value), json.Specials.OrderBy(s => s.Value));
            foreach (var text in (string[])[.. Texts, "unseen words, ünïcode 🦙"])
            {
                Assert.Equal(model.Encode(text), json.Encode(text));
                Assert.Equal(text, json.Decode(json.Encode(text)));
            }
            Assert.True(json.Encode(Texts[0]).Length < Texts[0].Length / 2);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
