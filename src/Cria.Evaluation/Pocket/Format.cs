using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>Instructions about form that a program can check.</summary>
sealed class Format : PocketFamily
{
    static readonly string[] Numbers = ["zero", "one", "two", "three", "four", "five"];

    static readonly (string Name, string[] Words)[] Categories =
        [("colours", Colours), ("animals", Animals), ("foods", Foods), ("days", Days), ("cities", Cities), ("jobs", Jobs), ("places", Places)];

    public override string Name => "format";

    public override PocketItem Create(PocketRandom random)
    {
        var (name, day, thing, place, city, food) =
            (random.Pick(Names), random.Pick(Days), random.Pick(Things), random.Pick(Places), random.Pick(Cities), random.Pick(Foods));
        var sentence = random.Pick([$"{name} likes {food}.", $"{name} lives in {city}.", $"{name} is at the {place}.", $"{name} has a {thing}.", $"{name} comes on {day}."]);
        var (category, words) = random.Pick(Categories);
        var count = random.Between(2, 5);
        var some = random.Pick(words, count);
        switch (random.Next(8))
        {
            case 0:
                return PocketItem.Ask(Name, $"{random.Pick(["Write", "List", "Name"])} {Numbers[count]} {category} as bullet points.",
                    string.Join('\n', words.Take(count).Select(w => $"- {w}")), reply => Bullets(reply, count, words));
            case 1:
                return PocketItem.Ask(Name, $"{random.Pick(["Write these as bullet points:", "Make a bullet list of:"])} {string.Join(", ", some)}",
                    string.Join('\n', some.Select(w => $"- {w}")), reply => Bullets(reply, count, some));
            case 2:
                return PocketItem.Ask(Name, $"{random.Pick(["Write these as a numbered list:", "Number these:"])} {string.Join(", ", some)}",
                    string.Join('\n', some.Select((w, i) => $"{i + 1}. {w}")), reply => Exact(reply, string.Join('\n', some.Select((w, i) => $"{i + 1}. {w}"))));
            case 3:
                return PocketItem.Ask(Name, $"{random.Pick(["Write this in lower case:", "Use only small letters:"])} {sentence}", sentence.ToLowerInvariant(),
                    reply => Exact(reply, sentence.ToLowerInvariant()));
            case 4:
                return PocketItem.Ask(Name, $"{random.Pick(["Write one sentence about", "Write a sentence about"])} {name} with the word \"{food}\".", $"{name} likes {food}.",
                    reply => Answers.Facts(reply, [name, food]) == 1 && reply.Trim().EndsWith('.') && !reply.Trim().Contains('\n') && reply.Length < 200 ? 1 : 0);
            case 5:
                var end = random.Pick(["Done.", "The end.", "That is all.", "Thank you.", "Bye!"]);
                return PocketItem.Ask(Name, $"Repeat this and end with the line \"{end}\": {sentence}", $"{sentence}\n{end}", reply => Exact(reply, $"{sentence}\n{end}"));
            case 6:
                var (word, mark) = (random.Pick(some), random.Pick(["", "*", "#", "+"]));
                var lines = string.Join('\n', Enumerable.Repeat($"{mark} {word}".TrimStart(), count));
                return PocketItem.Ask(Name, $"Write {word} {Numbers[count]} times, each on its own line{(mark == "" ? "" : $" after {mark}")}.", lines,
                    reply => Exact(reply, lines));
            default:
                return PocketItem.Ask(Name, $"{random.Pick(["Join these with commas:", "Write these on one line with commas:"])}\n{string.Join('\n', some)}",
                    string.Join(", ", some), reply => Exact(reply, string.Join(", ", some)));
        }
    }

    /// <summary>The same text with its case and line breaks; only white space at the ends is free.</summary>
    static double Exact(string reply, string answer) => reply.Trim() == answer ? 1 : 0;

    static double Bullets(string reply, int count, IReadOnlyCollection<string> words)
    {
        var lines = reply.Trim().Split('\n');
        var right = lines.Where(l => l.StartsWith("- ")).Select(l => l[2..].Trim().TrimEnd('.')).Where(l => words.Contains(l, StringComparer.OrdinalIgnoreCase)).Distinct().Count();
        return lines.Length == count && right == count ? 1 : 0;
    }
}
