using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>Dialogues whose last question can only be answered with the turns before it.</summary>
sealed partial class FollowUp : PocketFamily
{
    public override string Name => "followup";

    public override PocketItem Create(PocketRandom random)
    {
        var turns = new List<ChatMessage>();
        void Turn(string user, string assistant) => turns.AddRange([new(ChatRole.User, user), new(ChatRole.Assistant, assistant)]);
        PocketItem Last(string question, string answer, Func<string, double>? verify = null) =>
            PocketItem.Ask(Name, [.. turns, new(ChatRole.User, question)], answer, verify);

        switch (random.Next(5))
        {
            case 0: // the user's own facts, remembered over other talk
                var (name, city, food) = (random.Pick(Names), random.Pick(Cities), random.Pick(Foods));
                Turn(random.Pick([$"My name is {name}.", $"Hello, I am {name}.", $"I am {name}."]), $"Nice to meet you, {name}.");
                if (random.Chance(0.5))
                    Turn($"I live in {city}.", $"{city} is a fine place.");
                else
                    Turn($"I like {food}.", $"Good to know that you like {food}.");
                if (random.Chance(0.4))
                    Chat(random, Turn);
                var about = random.Next(2) == 0;
                if (about)
                    return Last(random.Pick(["What is my name?", "Who am I?", "Do you know my name?"]), $"Your name is {name}.", r => Answers.Facts(r, [name], Everything));
                return turns[2].Text.StartsWith("I live")
                    ? Last(random.Pick(["Where do I live?", "In which city do I live?"]), $"You live in {city}.", r => Answers.Facts(r, [city], Everything))
                    : Last(random.Pick(["What do I like?", "What food do I like?"]), $"You like {food}.", r => Answers.Facts(r, [food], Everything));
            case 1: // the same question about somebody else
                var kind = random.Next(5);
                var people = random.Pick(Names, 3);
                var facts = people.Select(p => Note.One(random, p, "", kind)).ToList();
                var (first, second) = (random.Pick([0, 1, 2]), random.Next(2));
                var other = (first + 1 + second) % 3;
                Turn($"{string.Join(' ', facts.Select(f => f.Sentence))}\n{facts[first].Question}", facts[first].Sentence);
                return Last(random.Pick([$"And {people[other]}?", $"What about {people[other]}?"]), facts[other].Sentence,
                    r => Answers.Facts(r, [people[other], facts[other].Value], [.. Names, .. Note.Values(kind)]));
            case 2: // the same phrase in another language
                var languages = random.Pick(Lexicon.Languages[1..], 2);
                var meaning = Translate.Meaning(random);
                Turn($"Translate to {languages[0]}: {Lexicon.Say("English", meaning)}", Lexicon.Say(languages[0], meaning));
                return Last(random.Pick([$"And in {languages[1]}?", $"Now in {languages[1]}."]), Lexicon.Say(languages[1], meaning));
            case 3: // a sum that goes on
                var (sum, calculation) = Arithmetic.Expression(random);
                Turn($"What is {sum}?", calculation.Answer);
                var change = Arithmetic.Change(random, calculation.Result);
                var next = new Arithmetic.Calculation(calculation.Result);
                next.Add(change);
                return Last(change < 0 ? random.Pick([$"And minus {-change}?", $"Now take away {-change}."]) : random.Pick([$"And plus {change}?", $"Now add {change}."]),
                    next.Answer, r => Arithmetic.Verify(r, next.Result));
            default: // a plan that is kept and asked for
                var (day, time, place, person) = (random.Pick(Days), random.Pick(Times), random.Pick(Places), random.Pick(Names));
                string[] others = [.. Everything.Except([day, time, place, person])];
                Turn($"Please remember: I meet {person} on {day} at {time} at the {place}.", "I will remember that.");
                if (random.Chance(0.5))
                    Chat(random, Turn);
                return random.Next(3) switch
                {
                    0 => Last("On which day is it?", $"It is on {day}.", r => Answers.Facts(r, [day], others)),
                    1 => Last("At what time is it?", $"It is at {time}.", r => Answers.Facts(r, [time], others)),
                    _ => Last("Where is it?", $"It is at the {place}.", r => Answers.Facts(r, [place], others)),
                };
        }
    }

    static void Chat(PocketRandom random, Action<string, string> turn)
    {
        var (user, assistant) = random.Pick<(string, string)>(
        [
            ("Thank you.", Newcomer.Welcome), ("That is nice.", Newcomer.Glad), ("Let me think.", Newcomer.Wait), ("Good.", Newcomer.Glad), ("Just a moment.", Newcomer.Wait),
        ]);
        turn(user, assistant);
    }

    /// <summary>Whether a dialogue of this family may hold the prompt as one of its earlier turns.</summary>
    public static bool MayHold(PocketItem item) => item.Prompt is [{ Text: var text }] && EarlierTurn().IsMatch(text);

    [GeneratedRegex(@"^\W*(translate to \w+: [a-z ?]+|what is \d+ .*|my name is \w+|(hello\W+)?i am \w+)\W*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex EarlierTurn();
}
