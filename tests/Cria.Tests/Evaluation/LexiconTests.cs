using static Cria.Evaluation.Pocket.Lexicon;

namespace Cria.Tests.Evaluation;

public class LexiconTests
{
    [Theory]
    [InlineData("German", 0, "tree", "green", "der grüne Baum")]
    [InlineData("German", 1, "dog", "red", "ich habe einen roten Hund")]
    [InlineData("German", 1, "house", "white", "ich habe ein weißes Haus")]
    [InlineData("German", 3, "cat", "small", "zwei kleine Katzen")]
    [InlineData("French", 0, "tree", null, "l'arbre")]
    [InlineData("French", 0, "tree", "big", "le grand arbre")]
    [InlineData("French", 1, "house", "white", "j'ai une maison blanche")]
    [InlineData("French", 3, "horse", "small", "deux petits chevaux")]
    [InlineData("French", 2, "tree", "green", "où est l'arbre vert ?")]
    [InlineData("Italian", 2, "tree", "red", "dov'è l'albero rosso?")]
    [InlineData("Italian", 3, "shirt", "white", "due camicie bianche")]
    [InlineData("Portuguese", 3, "house", "blue", "duas casas azuis")]
    [InlineData("Portuguese", 1, "apple", "green", "eu tenho uma maçã verde")]
    [InlineData("Spanish", 2, "room", "clean", "¿dónde está la habitación limpia?")]
    [InlineData("Spanish", 3, "fish", "yellow", "dos peces amarillos")]
    [InlineData("Hindi", 1, "horse", "black", "मेरे पास एक काला घोड़ा है")]
    [InlineData("Hindi", 3, "horse", "black", "दो काले घोड़े")]
    [InlineData("Hindi", 3, "book", "green", "दो हरी किताबें")]
    [InlineData("Thai", 3, "house", "red", "บ้านสีแดงสองหลัง")]
    [InlineData("Thai", 0, "dog", "small", "หมาตัวเล็ก")]
    [InlineData("Thai", 0, "room", "big", "ห้องใหญ่")]
    [InlineData("English", 1, "apple", null, "I have an apple")]
    [InlineData("English", 1, "apple", "red", "I have a red apple")]
    public void PhrasesFollowTheGrammar(string language, int kind, string noun, string? adjective, string expected) =>
        Assert.Equal(expected, Say(language, new(kind, Nouns.Single(n => n.En == noun), adjective is null ? null : Adjectives.Single(a => a.En == adjective), 0)));

    static readonly Meaning[] Meanings =
    [
        .. from noun in Nouns
           from adjective in Adjectives.Append(null)
           from kind in Enumerable.Range(0, 4)
           from number in kind == 3 ? Enumerable.Range(0, NumberCount) : [0]
           select new Meaning(kind, noun, adjective, number),
    ];

    [Fact]
    public void EveryLanguageTellsAllMeaningsApart()
    {
        foreach (var language in Languages)
            Assert.Distinct(Meanings.Select(m => Say(language, m)));
    }

    [Fact]
    public void WordsThatTwoLanguagesShareMeanTheSameInBoth()
    {
        var seen = new Dictionary<string, Meaning>();
        foreach (var meaning in Meanings)
            foreach (var language in Languages)
                Assert.Equal(meaning, seen.TryGetValue(Say(language, meaning), out var other) ? other : seen[Say(language, meaning)] = meaning);
    }
}
