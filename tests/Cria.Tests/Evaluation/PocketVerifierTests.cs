using Cria.Evaluation.Pocket;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Evaluation;

public class PocketVerifierTests
{
    public static TheoryData<string> Families => [.. PocketWorld.Families.Select(f => f.Name)];

    static IReadOnlyList<PocketItem> Items(string family) =>
        PocketWorld.Items(PocketWorld.Families.Single(f => f.Name == family), PocketSplit.Train, seed: 3, count: 400);

    static ChatMessage Text(string text) => new(ChatRole.Assistant, text);

    [Theory, MemberData(nameof(Families))]
    public void SilenceScoresNothing(string family) =>
        Assert.All(Items(family), item => Assert.Equal(0, item.Verify(Text(""))));

    [Theory, MemberData(nameof(Families))]
    public void TheQuestionSaidBackScoresNothing(string family) =>
        Assert.All(Items(family), item => Assert.True(item.Verify(Text(item.Prompt.Last(m => m.Role == ChatRole.User).Text)) == 0, PocketWorld.PromptText(item)));

    [Theory, MemberData(nameof(Families))]
    public void TheWholePromptSaidBackIsNotRight(string family) =>
        Assert.All(Items(family), item => Assert.True(item.Verify(Text(PocketWorld.PromptText(item))) < 1, PocketWorld.PromptText(item)));

    [Theory, MemberData(nameof(Families))]
    public void AnAnswerToAnotherQuestionIsNotRight(string family)
    {
        var items = Items(family);
        for (var i = 0; i < items.Count; i++)
            for (var j = 1; j < 40; j++)
                if (items[(i + j) % items.Count].Answer is var other && !Same(other, items[i].Answer) && !IsFree(items[i]))
                    Assert.True(items[i].Verify(other) < 1, $"{PocketWorld.PromptText(items[i])}=> {other.Text}");

        static bool Same(ChatMessage a, ChatMessage b) =>
            a.Text != "" ? string.Equals(LastLine(a), LastLine(b), StringComparison.OrdinalIgnoreCase) : b.Text == "" && Call(a) == Call(b);

        static string LastLine(ChatMessage m) => m.Text.Contains("Answer:", StringComparison.Ordinal) ? m.Text.Split('\n')[^1] : m.Text;

        static string Call(ChatMessage m) => Cria.Chat.ToolCalls.PythonicCalls.Write([.. m.Contents.OfType<FunctionCallContent>()]);

        static bool IsFree(PocketItem item) => item.Prompt[^1].Text.Contains(" as bullet points", StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Families))]
    public void EverythingTheWorldCanSayAtOnceScoresNothing(string family)
    {
        var items = Items(family);
        var all = Text(string.Join('\n', items.Select(i => i.Answer.Text)));
        Assert.All(items, item => Assert.Equal(0, item.Verify(all)));
    }

    [Theory]
    [InlineData("summarise")]
    [InlineData("note")]
    [InlineData("followup")]
    public void AWrongFactBesideTheRightOnesScoresNothing(string family)
    {
        string[] rivals = ["Monday", "Tuesday", "8 am", "9 am", "library", "park", "Rome", "Paris", "map", "camera", "teacher", "pilot", "soup", "tea", "Anna", "Ben"];
        foreach (var item in Items(family).Where(i => i.Answer.Text.EndsWith('.')))
            Assert.True(item.Verify(Text($"{item.Answer.Text} {string.Join(' ', rivals)}.")) < 1, PocketWorld.PromptText(item));
    }

    [Fact]
    public void ASummaryThatLacksAFactScoresThePartItHas()
    {
        foreach (var item in Items("summarise"))
        {
            var half = item.Verify(Text(item.Answer.Text.Split('\n')[0]));
            Assert.InRange(half, 0.5, 0.9);
        }
    }

    [Fact]
    public void OnlyTheLastLineWithTheRightNumberIsRight()
    {
        foreach (var item in Items("arithmetic"))
        {
            var lines = item.Answer.Text.Split('\n');
            var right = int.Parse(lines[^1][7..]);
            Assert.Equal(0, item.Verify(Text($"Answer: {right + 1}")));
            Assert.Equal(0, item.Verify(Text($"{item.Answer.Text}\nAnswer: {right - 1}")));
            Assert.Equal(0, item.Verify(Text($"{right}")));
            Assert.Equal(1, item.Verify(Text($"answer: {right}.")));
        }
    }

    [Fact]
    public void ACallWithAnotherArgumentOrNameIsNotRight()
    {
        foreach (var item in Items("tools").Where(i => i.Answer.Text == ""))
        {
            var call = item.Answer.Contents.OfType<FunctionCallContent>().Single();
            var arguments = call.Arguments!;
            Assert.Equal(0, item.Verify(Call(call.Name + "s", arguments)));
            Assert.Equal(0, item.Verify(Call(call.Name, new Dictionary<string, object?>())));
            foreach (var key in arguments.Keys)
                Assert.Equal(0, item.Verify(Call(call.Name, new Dictionary<string, object?>(arguments) { [key] = "nothing" })));
            Assert.Equal(0, item.Verify(new ChatMessage(ChatRole.Assistant, [call, call])));
        }

        static ChatMessage Call(string name, IDictionary<string, object?> arguments) => new(ChatRole.Assistant, [new FunctionCallContent("1", name, arguments)]);
    }
}
