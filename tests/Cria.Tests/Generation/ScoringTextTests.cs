using System.Text;
using Cria.Generation;
using Cria.Tests.Tokenization;
using CsCheck;

namespace Cria.Tests.Generation;

/// <summary>Where a context ends among the tokens of the whole text.</summary>
public sealed class ScoringTextTests
{
    [Theory]
    [InlineData("the", " wor", "the| wor")]
    [InlineData("the ", "wor", "the| wor")] // the blank of the word, wherever it is written
    [InlineData("the  ", "wor", "the| | wor")]
    [InlineData("he", "llo", "|hello")] // one token holds the end of the context
    [InlineData("in\n\n", "the", "in,\n\n|the")] // line ends are no blanks
    [InlineData("in\n", "\nthe", "in|\n\n,the")]
    [InlineData("", "hello", "|hello")]
    [InlineData(" ", "wor", "| wor")]
    [InlineData("ö", "ö", "ö|ö")]
    [InlineData("the", "", "the|")]
    public void TheTokensAreThoseOfTheWholeText(string context, string continuation, string tokens)
    {
        var text = ScoringText.Of(TestVocabularies.Small, [7], context, continuation);
        Assert.Equal(7, text.Context[0]);
        Assert.Equal(tokens.Replace("| | ", "| , "), $"{Join(text.Context[1..])}|{Join(text.Continuation)}");
        Assert.Equal(continuation, text.Text);

        static string Join(int[] ids) => string.Join(',', ids.Select(id => TestVocabularies.Small.Decode([id])));
    }

    /// <summary>Context tokens lie in the context, and the next one does not.</summary>
    [Fact]
    public void TheContextIsAsLongAsItsTextAllows() => Gen.Select(SomeText.Any, SomeText.Any).Sample((context, continuation) =>
    {
        var tokenizer = TestVocabularies.Small;
        var text = ScoringText.Of(tokenizer, [], context, continuation);
        Assert.Equal(tokenizer.Encode(context + continuation), text.Context.Concat(text.Continuation));
        var (bytes, most) = (text.Context.Sum(id => tokenizer.TokenBytes(id).Length), Encoding.UTF8.GetByteCount(context.TrimEnd(' ')));
        Assert.True(bytes <= most);
        Assert.True(text.Continuation.Length == 0 || bytes + tokenizer.TokenBytes(text.Continuation[0]).Length > most);
    }, iter: 500);

    /// <summary>As lm-eval's pairs wherever the context's own tokens begin the whole text, on the vocabulary of Llama 3.</summary>
    [Theory]
    [InlineData("Question: What is the capital of France?\nAnswer:", " Paris")]
    [InlineData("Question: What is the capital of France?\nAnswer: ", "Paris")]
    [InlineData("The doctor walked in and", " said that nothing could be done.")]
    [InlineData("A. red\nB. blue\nAnswer:", " B")]
    [InlineData("Il a dit «", "non».")]
    public void PairsAreThoseOfTheUsualHarness(string context, string continuation)
    {
        var tokenizer = TestVocabularies.Golden("meta");
        var text = ScoringText.Of(tokenizer, [tokenizer.BosId], context, continuation);
        var before = tokenizer.Encode(context.TrimEnd());
        Assert.Equal([tokenizer.BosId, .. before], text.Context);
        Assert.Equal(tokenizer.Encode(context + continuation)[before.Length..], text.Continuation);
    }

    [Fact]
    public void CharactersAreCodePointsAndBytesAreUtf8()
    {
        var score = new Likelihood([new(1, -1, true, []), new(2, -2, false, [])], "né 🦙");
        Assert.Equal((4, 8, -3.0, false), (score.Characters, score.Bytes, score.LogProb, score.IsGreedy));
        Assert.Equal(Math.Exp(1.5), score.Perplexity, 1e-9);
    }
}
