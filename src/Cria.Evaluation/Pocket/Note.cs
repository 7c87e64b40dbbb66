using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>A question whose answer stands in a note among other facts, or does not.</summary>
sealed class Note : PocketFamily
{
    /// <summary>What a note that lacks the answer is answered with.</summary>
    public const string NotThere = "The note does not say.";

    public override string Name => "note";

    public override PocketItem Create(PocketRandom random)
    {
        var facts = Facts(random, random.Between(3, 5));
        var asked = random.Pick(facts);
        if (!random.Chance(0.12))
            return PocketItem.Ask(Name, Ask(random, facts, asked.Question), asked.Sentence, reply => Answers.Facts(reply, [asked.Subject, asked.Value], Others(facts, asked)));
        facts.Remove(asked);
        return PocketItem.Ask(Name, Ask(random, facts, asked.Question), NotThere, reply => Answers.Facts(reply, ["not"], facts.Select(f => f.Value)));
    }

    /// <summary>One fact: who or what, a sentence, the question it answers and the word that answers it.</summary>
    public sealed record Fact(string Subject, string Sentence, string Question, string Value, string Kind);

    /// <summary>Facts about different people and things, no two of which answer the same question.</summary>
    public static List<Fact> Facts(PocketRandom random, int count)
    {
        var people = random.Pick(Names, count);
        var places = random.Pick(Places, count);
        var facts = new List<Fact>();
        for (var i = 0; i < count; i++)
            facts.Add(One(random, people[i], places[i], random.Next(6)));
        return facts;
    }

    /// <summary>A fact of a kind (0-5) about a person, or a place for kind 5.</summary>
    public static Fact One(PocketRandom random, string name, string place, int kind)
    {
        var value = random.Pick(kind switch { 0 => Cities, 1 => Jobs, 2 => Foods, 3 => Things, 4 => Days, _ => Times });
        return kind switch
        {
            0 => new(name, $"{name} lives in {value}.", $"Where does {name} live?", value, "city"),
            1 => new(name, $"{name} works as a {value}.", $"What is the job of {name}?", value, "job"),
            2 => new(name, $"{name} likes {value}.", $"What does {name} like?", value, "food"),
            3 => new(name, $"{name} has a {value}.", $"What does {name} have?", value, "thing"),
            4 => new(name, $"{name} comes on {value}.", $"When does {name} come?", value, "day"),
            _ => new(place, $"The {place} opens at {value}.", $"When does the {place} open?", value, "time"),
        };
    }

    static string Ask(PocketRandom random, List<Fact> facts, string question)
    {
        var note = string.Join(' ', facts.Select(f => f.Sentence));
        return random.Next(3) switch
        {
            0 => $"Note: {note}\nQuestion: {question}",
            1 => $"Read this note: {note}\n{question}",
            _ => $"{note}\n{question}",
        };
    }

    static IEnumerable<string> Others(IEnumerable<Fact> facts, Fact asked) => facts.Select(f => f.Value).Where(v => v != asked.Value);
}
