using Microsoft.Extensions.AI;
using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>Dialogues whose last question can only be answered with the turns before it.</summary>
sealed class FollowUp : PocketFamily
{
    public override string Name => "followup";

    public override PocketItem Create(PocketRandom random)
    {
        var turns = new List<ChatMessage>();
        void Turn(string user, string assistant) => turns.AddRange([new(ChatRole.User, user), new(ChatRole.Assistant, assistant)]);
        PocketItem Last(string question, string answer, Func<string, double>? verify = null) =>
            PocketItem.Ask(Name, [.. turns, new(ChatRole.User, question)], answer, verify);

        switch (random.Next(4))
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
                    return Last(random.Pick(["What is my name?", "Who am I?", "Do you know my name?"]), $"Your name is {name}.", r => Answers.Facts(r, [name]));
                return turns[2].Text.StartsWith("I live")
                    ? Last(random.Pick(["Where do I live?", "In which city do I live?"]), $"You live in {city}.", r => Answers.Facts(r, [city]))
                    : Last(random.Pick(["What do I like?", "What food do I like?"]), $"You like {food}.", r => Answers.Facts(r, [food]));
            case 1: // the same question about somebody else
                var kind = random.Next(5);
                var people = random.Pick(Names, 3);
                var facts = people.Select(p => Note.One(random, p, "", kind)).ToList();
                var (first, second) = (random.Pick([0, 1, 2]), random.Next(2));
                var other = (first + 1 + second) % 3;
                Turn($"{string.Join(' ', facts.Select(f => f.Sentence))}\n{facts[first].Question}", facts[first].Sentence);
                return Last(random.Pick([$"And {people[other]}?", $"What about {people[other]}?"]), facts[other].Sentence,
                    r => Answers.Facts(r, [people[other], facts[other].Value], facts.Select(f => f.Value).Where(v => v != facts[other].Value)));
            case 2: // the same phrase in another language
                var languages = random.Pick(Lexicon.Languages[1..], 2);
                var meaning = Translate.Meaning(random);
                Turn($"Translate to {languages[0]}: {Lexicon.Say("English", meaning)}", Lexicon.Say(languages[0], meaning));
                return Last(random.Pick([$"And in {languages[1]}?", $"Now in {languages[1]}."]), Lexicon.Say(languages[1], meaning));
            default: // a plan that is kept and asked for
                var (day, time, place) = (random.Pick(Days), random.Pick(Times), random.Pick(Places));
                Turn($"Please remember: I meet {random.Pick(Names)} on {day} at {time} at the {place}.", "I will remember that.");
                if (random.Chance(0.5))
                    Chat(random, Turn);
                return random.Next(3) switch
                {
                    0 => Last("On which day is it?", $"It is on {day}.", r => Answers.Facts(r, [day])),
                    1 => Last("At what time is it?", $"It is at {time}.", r => Answers.Facts(r, [time])),
                    _ => Last("Where is it?", $"It is at the {place}.", r => Answers.Facts(r, [place])),
                };
        }
    }

    static void Chat(PocketRandom random, Action<string, string> turn)
    {
        var (user, assistant) = random.Pick<(string, string)>(
        [
            ("Thank you.", Newcomer.Welcome), ("That is nice.", "I am glad."), ("Let me think.", "Take your time."), ("Good.", "I am glad."), ("Just a moment.", "Take your time."),
        ]);
        turn(user, assistant);
    }
}
