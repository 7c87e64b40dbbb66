using Microsoft.Extensions.AI;
using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>Training material that is no single item: running text about the world, and long dialogues.</summary>
public static class PocketTexts
{
    /// <summary>A short plain text about people, places and days: for pretraining.</summary>
    public static string Document(ulong seed, long index)
    {
        var random = PocketRandom.For("document", seed, index);
        var name = random.Pick(Names);
        var lines = new List<string>();
        switch (random.Next(6))
        {
            case 0: // what several people do
                lines.AddRange(Note.Facts(random, random.Between(3, 6)).Select(f => f.Sentence));
                break;
            case 1: // one person in several facts, then again what was said of the person
                var facts = Enumerable.Range(0, 5).Select(kind => Note.One(random, name, "", kind)).ToList();
                random.Shuffle(facts);
                lines.AddRange(facts.Select((f, i) => i == 0 ? f.Sentence : f.Sentence.Replace(name, random.Chance(0.5) ? "This person" : name)));
                lines.Add($"So {facts[0].Sentence}");
                break;
            case 2: // a diary entry
                var (day, place, thing, friend) = (random.Pick(Days), random.Pick(Places), random.Pick(Things), random.Pick(Names));
                lines.Add($"On {day} {name} goes to the {place} at {random.Pick(Times)}.");
                lines.Add($"{friend} is at the {place} too and has a {random.Pick(Colours)} {thing}.");
                lines.Add(random.Pick([$"{name} buys the {thing}.", $"{friend} gives {name} the {thing}.", $"They clean the {thing}."]));
                lines.Add($"{random.Pick([name, friend])} likes the {place} and comes again on {random.Pick(Days)}.");
                break;
            case 3: // sums
                for (var count = random.Between(4, 8); count > 0; count--)
                    lines.AddRange(Arithmetic.Expression(random).Calculation.Steps);
                return string.Join('\n', lines);
            case 4: // a list of one kind
                var (kind, some) = random.Pick(Format.Categories);
                return $"{Capital(kind)}: {string.Join(", ", random.Pick(some, random.Between(3, some.Length)))}.";
            default: // one meaning in several languages
                var meaning = Translate.Meaning(random);
                foreach (var language in random.Pick(Lexicon.Languages, 4))
                    lines.Add($"{language}: {Lexicon.Say(language, meaning)}");
                return string.Join('\n', lines);
        }
        return string.Join(' ', lines);
    }

    /// <summary>A long dialogue: items of all families without tools, one after the other.</summary>
    public static IReadOnlyList<ChatMessage> Dialogue(PocketSplit split, ulong seed, long index, int turns)
    {
        var random = PocketRandom.For($"dialogue/{split}", seed, index);
        PocketFamily[] families = [.. PocketWorld.Families.Where(f => f is not Tools)];
        var messages = new List<ChatMessage>();
        while (messages.Count < 2 * turns)
        {
            var item = PocketWorld.Item(random.Pick(families), split, seed, (long)(random.NextBits() >> 16));
            if (item.Answer.Text == Newcomer.NotTold) // a name may have been told before
                continue;
            messages.AddRange([.. item.Prompt, item.Answer]);
        }
        return messages;
    }

    /// <summary>
    /// Facts told and then told again in another order, or a list written twice in different forms: a text whose second half can
    /// only be foretold from its first.
    /// </summary>
    public static string Recall(ulong seed, long index)
    {
        var random = PocketRandom.For("recall", seed, index);
        if (random.Chance(0.3))
        {
            var (_, words) = random.Pick(Format.Categories);
            var some = random.Pick(words, random.Between(2, Math.Min(6, words.Length)));
            List<string> forms =
            [
                string.Join(", ", some), string.Join('\n', some), string.Join('\n', some.Select(w => $"- {w}")),
                string.Join('\n', some.Select((w, i) => $"{i + 1}. {w}")), string.Join('\n', some.Select(w => $"* {w}")),
            ];
            return string.Join("\n\n", random.Pick(forms, 3));
        }
        var facts = Facts(random, random.Between(2, 6));
        var lines = new List<string>();
        for (var times = random.Between(2, 3); times > 0; times--)
        {
            lines.Add(string.Join(' ', facts.Select(f => f.Sentence)));
            random.Shuffle(facts);
        }
        return string.Join('\n', lines);
    }

    /// <summary>A dialogue about one note that asks all its facts in random order, from either side, and now and then one that it lacks.</summary>
    public static IReadOnlyList<ChatMessage> NoteDialogue(PocketSplit split, ulong seed, long index)
    {
        for (var attempt = 0; ; attempt++)
        {
            var messages = NoteDialogue(PocketRandom.For($"notes/{split}", seed, index, attempt));
            PocketSplit[] splits = [.. Enumerable.Range(0, messages.Count / 2).Select(turn => PocketWorld.SplitOf(PocketItem.Ask("", messages[..(2 * turn + 1)], "")))];
            if (splits[0] == split && splits.All(s => s == split || s == PocketSplit.Train)) // no turn of training is kept for test or validation
                return messages;
        }
    }

    static List<ChatMessage> NoteDialogue(PocketRandom random)
    {
        var facts = Facts(random, random.Between(3, 5));
        var lacking = Note.One(random, random.Pick([.. Names.Where(n => facts.All(f => f.Subject != n))]), "", random.Next(5));
        List<Note.Fact> asked = random.Chance(0.4) ? [.. facts, lacking] : [.. facts];
        random.Shuffle(asked);
        var messages = new List<ChatMessage>();
        Note.Fact? before = null;
        foreach (var fact in asked)
        {
            var inverse = fact != lacking && facts.Count(f => f.Value == fact.Value) == 1 && random.Chance(0.3);
            var question = inverse ? fact.Inverse
                : before?.Kind == fact.Kind && fact.Kind < 5 && random.Chance(0.5) ? random.Pick([$"And {fact.Subject}?", $"What about {fact.Subject}?"])
                : fact.Question;
            messages.Add(new(ChatRole.User, messages.Count == 0 ? Note.Ask(random, facts, question) : question));
            messages.Add(new(ChatRole.Assistant, fact == lacking ? Note.NotThere : fact.Sentence));
            before = inverse ? null : fact;
        }
        return messages;
    }

    /// <summary>Facts about different people and places, half of the time all of one kind.</summary>
    static List<Note.Fact> Facts(PocketRandom random, int count)
    {
        var facts = Note.Facts(random, count);
        return random.Chance(0.5) && random.Next(5) is var kind ? [.. random.Pick(Names, count).Select(name => Note.One(random, name, "", kind))] : facts;
    }
}
