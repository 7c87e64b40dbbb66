using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>Word problems worked step by step to a line `Answer: N`.</summary>
sealed class Arithmetic : PocketFamily
{
    public override string Name => "arithmetic";

    public override PocketItem Create(PocketRandom random)
    {
        var people = random.Pick(Names, 2);
        var (name, other, what) = (people[0], people[1], random.Pick(Countables));
        var text = new List<string>();
        var steps = new List<string>();
        int total;
        if (random.Chance(0.35))
        {
            var (boxes, each) = (random.Between(2, 9), random.Between(2, 9));
            total = boxes * each;
            text.Add(random.Pick([$"{name} has {boxes} boxes with {each} {what} each.", $"{name} buys {boxes} bags of {each} {what}."]));
            steps.Add($"{boxes} x {each} = {total}");
        }
        else
        {
            total = random.Between(4, 60);
            text.Add(random.Pick([$"{name} has {total} {what}.", $"There are {total} {what} on the table of {name}."]));
        }
        var changes = random.Between(steps.Count == 0 ? 1 : 0, 2);
        for (var i = 0; i < changes; i++)
        {
            var minus = total > 5 && random.Chance(0.5);
            var n = minus ? random.Between(2, Math.Min(20, total - 1)) : random.Between(2, 20);
            text.Add(minus
                ? random.Pick([$"{name} gives {n} to {other}.", $"{name} loses {n}.", $"{other} takes {n}.", $"{name} sells {n}."])
                : random.Pick([$"{name} finds {n} more.", $"{other} gives {name} {n} more.", $"{name} buys {n} more.", $"{name} gets {n} from {other}."]));
            var after = minus ? total - n : total + n;
            steps.Add($"{total} {(minus ? '-' : '+')} {n} = {after}");
            total = after;
        }
        text.Add(random.Pick([$"How many {what} does {name} have now?", $"How many {what} are there now?"]));
        var answer = total;
        return PocketItem.Ask(Name, string.Join(' ', text), $"{string.Join('\n', steps)}\nAnswer: {answer}",
            reply => LastLine(reply) is var last && last.StartsWith("Answer:", StringComparison.OrdinalIgnoreCase)
                && last[7..].Trim().TrimEnd('.') == answer.ToString() ? 1 : 0);
    }

    static string LastLine(string reply) => reply.Trim().Split('\n')[^1].Trim();
}
