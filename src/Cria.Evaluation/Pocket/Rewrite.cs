using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>A sentence made polite, shorter or formal.</summary>
sealed class Rewrite : PocketFamily
{
    static readonly string[] Actions =
        ["close the door", "open the window", "bring me the {0}", "give me the {0}", "clean the {0}", "send {1} the {0}", "call {1} on {2}", "come to the {3} on {2}",
         "meet me at the {3}", "wait for {1}", "help {1} with the {0}", "show me the {0}", "put the {0} on the table", "buy {4} at the {3}", "tell {1} about the {0}"];

    // casual -> formal
    static readonly (string Casual, string Formal)[] Casuals =
    [
        ("I can't come to the {3} on {2}.", "I am unable to come to the {3} on {2}."),
        ("Thanks for the {0}.", "Thank you very much for the {0}."),
        ("Hey {1}, what's up?", "Dear {1}, how are you?"),
        ("I need the {0} now.", "I would like to receive the {0} as soon as possible."),
        ("Sorry, I lost the {0}.", "I apologise for losing the {0}."),
        ("I don't like the {0}.", "I am not satisfied with the {0}."),
        ("We gotta meet on {2}.", "We have to meet on {2}."),
        ("{1} wants to buy the {0}.", "{1} wishes to purchase the {0}."),
        ("I got the {0} from {1}.", "I received the {0} from {1}."),
        ("Tell me when you get to the {3}.", "Please inform me when you arrive at the {3}."),
        ("{1} can't find the {0}.", "{1} is unable to find the {0}."),
        ("Bye {1}, see you on {2}.", "Goodbye {1}, I look forward to seeing you on {2}."),
    ];

    // the core and what surrounds it
    static readonly string[] Fillers = ["I think that", "As you may know,", "To be honest,", "In my opinion,", "I just wanted to say that", "As I said before,"];
    static readonly string[] Tails = [", if you ask me", ", as far as I know", ", and that is all", ", you know", ", to tell the truth"];
    static readonly string[] Facts =
        ["{1} has a {5} {0}", "the {3} opens at {6}", "{1} is at the {3}", "{1} likes {4}", "the {0} is {5}", "{1} comes on {2}", "{1} lives in {7}", "the {0} is at the {3}"];

    public override string Name => "rewrite";

    public override PocketItem Create(PocketRandom random)
    {
        object[] words = [random.Pick(Things), random.Pick(Names), random.Pick(Days), random.Pick(Places), random.Pick(Foods), random.Pick(Colours), random.Pick(Times), random.Pick(Cities)];
        string Fill(string template) => string.Format(template, words);
        switch (random.Next(3))
        {
            case 0:
                var action = Fill(random.Pick(Actions));
                var polite = $"Could you please {action}?";
                return PocketItem.Ask(Name, $"{random.Pick(["Make this polite:", "Say this politely:", "Rewrite this politely:", "Make this more polite:"])} {Capital(action)}{random.Pick([".", "!"])}", polite,
                    reply => Answers.Same(reply, polite) || Answers.Same(reply, $"Please {action}") || Answers.Same(reply, $"Would you please {action}") ? 1 : 0);
            case 1:
                var (casual, formal) = random.Pick(Casuals);
                return PocketItem.Ask(Name, $"{random.Pick(["Make this formal:", "Say this formally:", "Rewrite this in a formal style:", "Make this more formal:"])} {Fill(casual)}", Fill(formal));
            default:
                var fact = Fill(random.Pick(Facts));
                var tail = random.Chance(0.5) ? random.Pick(Tails) : "";
                return PocketItem.Ask(Name, $"{random.Pick(["Make this shorter:", "Shorten this:", "Rewrite this shorter:", "Say this in fewer words:"])} {random.Pick(Fillers)} {fact}{tail}.", $"{Capital(fact)}.");
        }
    }
}
