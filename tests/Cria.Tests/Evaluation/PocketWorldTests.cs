using System.Text;
using Cria.Evaluation.Pocket;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Evaluation;

public class PocketWorldTests
{
    const int Many = 2000;

    public static TheoryData<string> Families => [.. PocketWorld.Families.Select(f => f.Name)];

    [Theory, MemberData(nameof(Families))]
    public void TheReferenceAnswerScoresOne(string family)
    {
        foreach (var item in Draw(family, PocketSplit.Train, Many))
            Assert.True(item.Verify(item.Answer) == 1, PocketWorld.PromptText(item) + item.Answer.Text);
    }

    [Theory, MemberData(nameof(Families))]
    public void NoPromptIsInTwoSplits(string family)
    {
        var train = Keys(PocketSplit.Train, 3 * Many);
        var validation = Keys(PocketSplit.Validation, Many / 10);
        var test = Keys(PocketSplit.Test, Many / 10);
        Assert.Empty(train.Intersect(validation));
        Assert.Empty(train.Intersect(test));
        Assert.Empty(validation.Intersect(test));

        HashSet<string> Keys(PocketSplit split, int count) => [.. Draw(family, split, count).Select(PocketWorld.Key)];
    }

    [Fact]
    public void NoTestItemIsATurnOfATrainingDialogue()
    {
        var turns = Enumerable.Range(0, 10_000).SelectMany(i => PocketWorld.Item(Family("followup"), PocketSplit.Train, seed: 1, i).Prompt)
            .Where(m => m.Role == ChatRole.User).Select(m => PocketWorld.Key(PocketItem.Ask("", m.Text, ""))).ToHashSet();
        foreach (var family in PocketWorld.Families)
            Assert.Empty(PocketWorld.Items(family, PocketSplit.Test, seed: 1, count: 400).Where(i => i.Answer.Text != Newcomer.NotTold).Select(PocketWorld.Key).Intersect(turns));
    }

    [Fact]
    public void ADialogueAboutANoteAnswersFromTheNote()
    {
        for (var i = 0; i < 500; i++)
        {
            var messages = PocketTexts.NoteDialogue(PocketSplit.Train, seed: 1, i);
            foreach (var answer in messages.Where(m => m.Role == ChatRole.Assistant))
                Assert.True(answer.Text == Note.NotThere || messages[0].Text.Contains(answer.Text), answer.Text);
            Assert.Equal(PocketSplit.Train, PocketWorld.SplitOf(PocketItem.Ask("", [messages[0]], "")));
        }
    }

    [Fact]
    public void ARecallTextSaysTheSameInEveryPart()
    {
        for (var i = 0; i < 500; i++)
        {
            var text = PocketTexts.Recall(seed: 1, i);
            var isList = text.Contains("\n\n");
            string[] parts = isList ? text.Split("\n\n") : text.Split('\n');
            Assert.InRange(parts.Length, 2, 3);
            Assert.Single(parts.Select(p => string.Join('|', Said(p, isList))).Distinct());
        }

        static IEnumerable<string> Said(string part, bool isList) => isList
            ? part.Split([", ", "\n"], StringSplitOptions.None).Select(w => w.TrimStart('-', '*', ' ', '.', '1', '2', '3', '4', '5', '6'))
            : part.Split(". ").Select(f => f.TrimEnd('.')).Order(StringComparer.Ordinal);
    }

    [Theory, MemberData(nameof(Families))]
    public void TestItemsAreAsManyAsAskedAndDifferent(string family)
    {
        var items = PocketWorld.Items(Family(family), PocketSplit.Test, seed: 5, count: 300);
        Assert.Equal(300, items.Select(PocketWorld.Key).Distinct().Count());
    }

    [Theory, MemberData(nameof(Families))]
    public void TheSameSeedGivesTheSameItem(string family)
    {
        var first = Draw(family, PocketSplit.Test, 20).Select(PocketWorld.PromptText);
        Assert.Equal(first, Draw(family, PocketSplit.Test, 20).Select(PocketWorld.PromptText));
        Assert.NotEqual(first, PocketWorld.Items(Family(family), PocketSplit.Test, 2, 20).Select(PocketWorld.PromptText));
    }

    [Fact]
    public void TheWorldHasMillionsOfDistinctItems()
    {
        // Two draws of n items from a family of N equally likely prompts share about n * n / N of them: repeats bound N from below.
        double size = 0;
        foreach (var family in PocketWorld.Families)
        {
            const int n = 8_000;
            var first = Enumerable.Range(0, n).Select(i => PocketWorld.Key(family.Create(PocketRandom.For("a", 1, i)))).ToHashSet();
            var repeats = Enumerable.Range(0, n).Count(i => first.Contains(PocketWorld.Key(family.Create(PocketRandom.For("b", 1, i)))));
            size += (double)first.Count * n / Math.Max(repeats, 1);
        }
        Assert.True(size > 5e6, $"about {size:0} prompts");
    }

    [Theory, MemberData(nameof(Families))]
    public void TextIsComposedAndTidy(string family)
    {
        foreach (var item in Draw(family, PocketSplit.Train, Many))
        {
            var text = PocketWorld.PromptText(item) + item.Answer.Text;
            Assert.True(text.IsNormalized(NormalizationForm.FormC), text);
            Assert.DoesNotContain("  ", text, StringComparison.Ordinal);
            Assert.DoesNotContain(" a umbrella", text, StringComparison.Ordinal);
            Assert.DoesNotMatch(@"\{\w*\}", string.Concat(item.Prompt.Select(m => m.Text)) + item.Answer.Text);
        }
    }

    [Fact]
    public void ALongDialogueAlternatesTurnsAndEndsWithAnAnswer()
    {
        for (var index = 0; index < 50; index++)
        {
            var dialogue = PocketTexts.Dialogue(PocketSplit.Train, 1, index, turns: 20);
            Assert.True(dialogue.Count >= 40);
            Assert.All(dialogue.Index(), m => Assert.Equal(m.Index % 2 == 0 ? ChatRole.User : ChatRole.Assistant, m.Item.Role));
        }
    }

    static PocketFamily Family(string name) => PocketWorld.Families.Single(f => f.Name == name);

    static IEnumerable<PocketItem> Draw(string family, PocketSplit split, int count) =>
        Enumerable.Range(0, count).Select(i => PocketWorld.Item(Family(family), split, seed: 1, i));
}
