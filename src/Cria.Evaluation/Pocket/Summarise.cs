using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>A short thread about a meeting, summed up in its key facts; a later message may change the plan.</summary>
sealed class Summarise : PocketFamily
{
    public override string Name => "summarise";

    public override PocketItem Create(PocketRandom random)
    {
        var people = random.Pick(Names, 2);
        var (day, time, place, thing) = (random.Pick(Days), random.Pick(Times), random.Pick(Places), random.Pick(Things));
        var what = random.Pick(["Meeting", "Lunch", "Party", "Lesson"]);
        var lower = what.ToLowerInvariant();
        var lines = new List<string>
        {
            $"{people[0]}: " + random.Pick([$"Shall we have the {lower} on {day}?", $"The {lower} should be on {day}.", $"I would like the {lower} on {day}."]),
        };
        if (random.Chance(0.35))
        {
            var better = random.Pick([.. Days.Where(d => d != day)]);
            lines.Add($"{people[1]}: " + random.Pick([$"{day} is bad for me. Can we take {better}?", $"Sorry, not {day}. I am free on {better}."]));
            lines.Add($"{people[0]}: " + random.Pick([$"{better} is fine.", $"Good, {better} then."]));
            day = better;
        }
        lines.Add($"{people[1]}: " + random.Pick([$"At {time} at the {place}?", $"Let us say {time} at the {place}.", $"I can be at the {place} at {time}."]));
        if (random.Chance(0.3))
        {
            var later = random.Pick([.. Times.Where(t => t != time)]);
            var late = Array.IndexOf(Times, later) < Array.IndexOf(Times, time);
            lines.Add($"{people[0]}: " + random.Pick([$"{time} is too {(late ? "late" : "early")}, {later} please.", $"I cannot come at {time}. {later} is better."]));
            lines.Add($"{people[1]}: " + random.Pick([$"{later} it is.", "All right."]));
            time = later;
        }
        else
            lines.Add($"{people[0]}: " + random.Pick(["Perfect.", "Yes, see you there.", "Good idea."]));
        var bringer = random.Pick(people);
        lines.Add($"{bringer}: " + random.Pick([$"I will bring the {thing}.", $"I bring my {thing}."]));
        var ask = random.Pick(
            ["Summarise this thread:", "Summarise these messages:", "Give me the key facts of this thread:", "Summarize this:", "Sum up this thread:", "What was agreed?"]);
        var other = people.Single(p => p != bringer);
        return PocketItem.Ask(Name, $"{ask}\n{string.Join('\n', lines)}",
            $"{what}: {day}, {time}, {place}.\n{bringer} brings the {thing}.",
            reply => Answers.Facts(reply, [what, day, time, place, bringer, thing],
                [.. Days, .. Times, .. Places, .. Things, .. Names.Except(people), $"{other} brings", $"{other} will bring"]));
    }
}
