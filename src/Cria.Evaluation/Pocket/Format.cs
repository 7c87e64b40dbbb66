using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>Instructions about form that a program can check.</summary>
sealed class Format : PocketFamily
{
    static readonly string[] Numbers = ["zero", "one", "two", "three", "four", "five"];

    static readonly string[] Ends = ["Done.", "The end.", "That is all.", "Thank you.", "Bye!"];

    /// <summary>Kinds of words with their members.</summary>
    public static readonly (string Name, string[] Words)[] Categories =
        [("colours", Colours), ("animals", Animals), ("foods", Foods), ("days", Days), ("cities", Cities), ("jobs", Jobs), ("places", Places)];

    public override string Name => "format";

    public override PocketItem Create(PocketRandom random)
    {
        var fact = Note.One(random, random.Pick(Names), random.Pick(Places), random.Next(6));
        var (category, words) = random.Pick(Categories);
        var count = random.Between(2, 5);
        var some = random.Pick(words, count);
        var end = random.Chance(0.4) ? random.Pick(Ends) : "";
        switch (random.Next(9))
        {
            case 0:
                return Lines($"{random.Pick(["Write", "List", "Name", "Give me"])} {random.Pick([Numbers[count], $"{count}"])} {category} as bullet points{EndingWith(end)}.",
                    [.. words.Take(count).Select(w => $"- {w}")], end, lines => Bullets(lines, count, words));
            case 1:
                return Lines($"{random.Pick(["Write these as bullet points", "Make a bullet list of these"])}{EndingWith(end)}: {string.Join(", ", some)}",
                    [.. some.Select(w => $"- {w}")], end, lines => Bullets(lines, count, some));
            case 2:
                return Lines($"{random.Pick(["Write these as a numbered list", "Number these"])}{EndingWith(end)}: {string.Join(", ", some)}",
                    [.. some.Select((w, i) => $"{i + 1}. {w}")], end);
            case 3:
                return Lines($"{random.Pick(["Write this in lower case:", "Use only small letters:"])} {fact.Sentence}", [fact.Sentence.ToLowerInvariant()]);
            case 4:
            case 5:
                fact = Note.One(random, random.Pick(Names), "", random.Next(5));
                return PocketItem.Ask(Name, $"{random.Pick(["Write one sentence", "Write a sentence"])} about {fact.Subject} with the word \"{fact.Value}\".", fact.Sentence,
                    reply => Answers.Facts(reply, [fact.Subject, fact.Value]) == 1 && reply.Trim() is var line && line.EndsWith('.') && !line.Contains('\n')
                        && line.Split(' ').Length >= 3 && !line.Contains('"') ? 1 : 0);
            case 6:
                end = random.Pick(Ends);
                return Lines($"Repeat this{EndingWith(end)}: {fact.Sentence}", [fact.Sentence], end);
            case 7:
                var (word, mark) = (random.Pick(some), random.Pick(["", "", "*", "#", "+"]));
                return Lines($"Write {word} {Numbers[count]} times, each on its own line{(mark == "" ? "" : $" after {mark}")}{EndingWith(end)}.",
                    [.. Enumerable.Repeat($"{mark} {word}".TrimStart(), count)], end);
            default:
                return Lines($"{random.Pick(["Join these with commas", "Write these on one line with commas"])}{EndingWith(end)}:\n{string.Join('\n', some)}",
                    [string.Join(", ", some)], end);
        }
    }

    static string EndingWith(string end) => end == "" ? "" : $" and end with the line \"{end}\"";

    /// <summary>The lines that are asked for, then the end line if there is one; without a verifier the same text with its case and line breaks.</summary>
    PocketItem Lines(string question, string[] lines, string end = "", Func<string[], bool>? verify = null)
    {
        var answer = string.Join('\n', end == "" ? lines : [.. lines, end]);
        return PocketItem.Ask(Name, question, answer, reply =>
        {
            var got = reply.Trim();
            if (verify is null)
                return got == answer ? 1 : 0;
            string[] all = [.. got.Split('\n').Select(l => l.TrimEnd())];
            return end == "" ? verify(all) ? 1 : 0 : all[^1] == end && verify(all[..^1]) ? 1 : 0;
        });
    }

    static bool Bullets(string[] lines, int count, IReadOnlyCollection<string> words) =>
        lines.Length == count && lines.All(l => l.StartsWith("- "))
        && lines.Select(l => l[2..].Trim().TrimEnd('.').ToLowerInvariant()).Where(l => words.Contains(l, StringComparer.OrdinalIgnoreCase)).Distinct().Count() == count;
}
