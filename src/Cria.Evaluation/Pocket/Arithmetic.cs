using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>Sums and word problems worked step by step to a line `Answer: N`.</summary>
sealed class Arithmetic : PocketFamily
{
    public override string Name => "arithmetic";

    public override PocketItem Create(PocketRandom random) => random.Chance(0.25) ? Sum(random) : Problem(random);

    /// <summary>A calculation with its steps and result; the first step is a product or a number that is given.</summary>
    public sealed class Calculation(int start)
    {
        public int Result { get; private set; } = start;

        public List<string> Steps { get; } = [];

        public string Answer => $"{string.Join('\n', Steps)}\nAnswer: {Result}";

        public static Calculation Product(int a, int b)
        {
            var product = new Calculation(a * b);
            product.Steps.Add($"{a} x {b} = {a * b}");
            return product;
        }

        public void Add(int n)
        {
            Steps.Add($"{Result} {(n < 0 ? '-' : '+')} {Math.Abs(n)} = {Result + n}");
            Result += n;
        }
    }

    /// <summary>A number to add, or to take away without going below 1.</summary>
    public static int Change(PocketRandom random, int total) =>
        total > 5 && random.Chance(0.5) ? -random.Between(2, Math.Min(20, total - 1)) : random.Between(2, 20);

    /// <summary>Full marks for a last line `Answer: N` with the right number.</summary>
    public static double Verify(string reply, int result) =>
        reply.Trim().Split('\n')[^1].Trim() is var last && last.StartsWith("Answer:", StringComparison.OrdinalIgnoreCase)
            && last[7..].Trim().TrimEnd('.') == result.ToString() ? 1 : 0;

    /// <summary>A sum as it is typed, with its calculation.</summary>
    public static (string Text, Calculation Calculation) Expression(PocketRandom random)
    {
        if (random.Chance(0.25))
        {
            var (a, b) = (random.Between(2, 9), random.Between(2, 9));
            return ($"{a} {random.Pick(["x", "*", "times"])} {b}", Calculation.Product(a, b));
        }
        var calculation = new Calculation(random.Between(1, 60));
        var text = $"{calculation.Result}";
        var words = random.Chance(0.2);
        for (var terms = random.Chance(0.25) ? 2 : 1; terms > 0; terms--)
        {
            var n = Change(random, calculation.Result);
            text += $" {(n < 0 ? words ? "minus" : "-" : words ? "plus" : "+")} {Math.Abs(n)}";
            calculation.Add(n);
        }
        return (text, calculation);
    }

    PocketItem Sum(PocketRandom random)
    {
        var (text, calculation) = Expression(random);
        var question = random.Pick([$"What is {text}?", $"What is {text}?", $"what is {text}", $"How much is {text}?", $"Calculate {text}.", $"{text}", $"{text} = ?", $"{text} ="]);
        return PocketItem.Ask(Name, question, calculation.Answer, reply => Verify(reply, calculation.Result));
    }

    PocketItem Problem(PocketRandom random)
    {
        var people = random.Pick(Names, 2);
        var (name, other, what) = (people[0], people[1], random.Pick(Countables));
        var text = new List<string>();
        Calculation calculation;
        if (random.Chance(0.35))
        {
            var (boxes, each) = (random.Between(2, 9), random.Between(2, 9));
            calculation = Calculation.Product(boxes, each);
            text.Add(random.Pick([$"{name} has {boxes} boxes with {each} {what} each.", $"{name} buys {boxes} bags of {each} {what}."]));
        }
        else
        {
            calculation = new Calculation(random.Between(4, 60));
            text.Add(random.Pick([$"{name} has {calculation.Result} {what}.", $"{name} starts with {calculation.Result} {what}."]));
        }
        for (var changes = random.Between(calculation.Steps.Count == 0 ? 1 : 0, 2); changes > 0; changes--)
        {
            var n = Change(random, calculation.Result);
            text.Add(n < 0
                ? random.Pick([$"{name} gives {-n} to {other}.", $"{name} loses {-n}.", $"{other} takes {-n}.", $"{name} sells {-n}."])
                : random.Pick([$"{name} finds {n} more.", $"{other} gives {name} {n} more.", $"{name} buys {n} more.", $"{name} gets {n} from {other}."]));
            calculation.Add(n);
        }
        text.Add(random.Pick([$"How many {what} does {name} have now?", $"How many {what} does {name} have?", $"How many {what} are there now?"]));
        return PocketItem.Ask(Name, string.Join(' ', text), calculation.Answer, reply => Verify(reply, calculation.Result));
    }
}
