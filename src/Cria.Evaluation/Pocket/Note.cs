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
        if (random.Chance(0.4) && random.Pick(facts) is { Kind: < 5 } known)
            facts.Insert(random.Next(facts.Count + 1), One(random, known.Subject, "", (known.Kind + random.Between(1, 4)) % 5));
        var asked = random.Pick(facts);
        var unique = facts.Count(f => f.Value == asked.Value) == 1;
        if (random.Chance(0.15))
        {
            facts.Remove(asked);
            return PocketItem.Ask(Name, Ask(random, facts, asked.Question), NotThere, reply => Answers.Facts(reply, ["does not say"], [.. facts.Select(f => f.Value), .. Values(asked.Kind)]));
        }
        return PocketItem.Ask(Name, Ask(random, facts, unique && random.Chance(0.25) ? asked.Inverse : asked.Question), asked.Sentence,
            reply => Answers.Facts(reply, [asked.Subject, asked.Value], [.. Names, .. Places, .. facts.Select(f => f.Value), .. Values(asked.Kind)]));
    }

    /// <summary>
    /// One fact: who or what, a sentence, the question that its value answers and the one that its subject answers; kinds are 0 city,
    /// 1 job, 2 food, 3 thing, 4 day of a person, 5 the opening time of a place.
    /// </summary>
    public sealed record Fact(string Subject, string Value, int Kind, string Sentence, string Question, string Inverse);

    /// <summary>Facts about different people and places.</summary>
    public static List<Fact> Facts(PocketRandom random, int count)
    {
        var people = random.Pick(Names, count);
        var places = random.Pick(Places, count);
        var facts = new List<Fact>();
        for (var i = 0; i < count; i++)
            facts.Add(One(random, people[i], places[i], random.Next(6)));
        return facts;
    }

    /// <summary>A fact of a kind about a person, or about a place for kind 5.</summary>
    public static Fact One(PocketRandom random, string name, string place, int kind)
    {
        var value = random.Pick(Values(kind));
        return kind switch
        {
            0 => new(name, value, kind, $"{name} lives in {value}.", $"Where does {name} live?", $"Who lives in {value}?"),
            1 => new(name, value, kind, $"{name} works as a {value}.", $"What is the job of {name}?", $"Who works as a {value}?"),
            2 => new(name, value, kind, $"{name} likes {value}.", $"What does {name} like?", $"Who likes {value}?"),
            3 => new(name, value, kind, $"{name} has {A(value)}.", $"What does {name} have?", $"Who has {A(value)}?"),
            4 => new(name, value, kind, $"{name} comes on {value}.", $"When does {name} come?", $"Who comes on {value}?"),
            _ => new(place, value, kind, $"The {place} opens at {value}.", $"When does the {place} open?", $"What opens at {value}?"),
        };
    }

    /// <summary>The words that can be the value of a kind of fact.</summary>
    public static string[] Values(int kind) => kind switch { 0 => Cities, 1 => Jobs, 2 => Foods, 3 => Things, 4 => Days, _ => Times };

    /// <summary>The first message of a dialogue about a note.</summary>
    public static string Ask(PocketRandom random, List<Fact> facts, string question)
    {
        var note = string.Join(' ', facts.Select(f => f.Sentence));
        return random.Next(4) switch
        {
            0 => $"Note: {note}\nQuestion: {question}",
            1 => $"{question}\nNote: {note}",
            2 => $"Read this note: {note}\n{question}",
            _ => $"{note}\n{question}",
        };
    }
}
