using static Cria.Evaluation.Pocket.Lexicon;
using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>A short phrase from one of the eight languages into another.</summary>
sealed class Translate : PocketFamily
{
    public override string Name => "translate";

    public override PocketItem Create(PocketRandom random)
    {
        var (source, target) = Direction(random);
        string from, to;
        if (random.Chance(0.12))
        {
            var phrase = random.Pick(Phrases);
            (from, to) = (phrase[Array.IndexOf(Languages, source)], phrase[Array.IndexOf(Languages, target)]);
        }
        else
        {
            var meaning = Meaning(random);
            (from, to) = (Say(source, meaning), Say(target, meaning));
        }
        if (random.Chance(0.2))
            from = Capital(from);
        return PocketItem.Ask(Name, Question(random, source, target, from), to);
    }

    /// <summary>Two different languages; English is one of them in three of four cases.</summary>
    public static (string Source, string Target) Direction(PocketRandom random)
    {
        var pair = random.Pick(Languages, 2);
        var other = random.Pick(Languages[1..]);
        return random.Chance(0.25) ? (pair[0], pair[1]) : random.Chance(0.6) ? ("English", other) : (other, "English");
    }

    /// <summary>A random meaning.</summary>
    public static Meaning Meaning(PocketRandom random) =>
        new(random.Next(4), random.Pick(Nouns), random.Chance(0.7) ? random.Pick(Adjectives) : null, random.Next(NumberCount));

    static string Question(PocketRandom random, string source, string target, string text) => random.Next(6) switch
    {
        0 => $"Translate to {target}: {text}",
        1 => $"Translate from {source} to {target}: {text}",
        2 => $"What is \"{text}\" in {target}?",
        3 => $"Say \"{text}\" in {target}.",
        4 => $"How do you say {text.TrimStart('¿').TrimEnd('?', ' ')} in {target}?",
        _ => $"How do you say \"{text}\" in {target}?",
    };
}
