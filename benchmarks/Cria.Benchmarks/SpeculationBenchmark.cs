using System.Diagnostics;
using Cria.Chat;
using Cria.Evaluation.Pocket;
using Cria.Generation;
using Microsoft.Extensions.AI;

namespace Cria.Benchmarks;

/// <summary>
/// `speculation [model] [draft] [items]`: answers to tasks that repeat or change parts of their prompt, without and with guesses, in turns.
/// The prompts are cached by a first round that does not count, so the time is that of writing. Checks that the texts are the same.
/// </summary>
static class SpeculationBenchmark
{
    /// <summary>Of the pocket world: what its model can write that repeats its prompt.</summary>
    static readonly string[] Families = ["rewrite", "format", "summarise"];

    public static async Task RunAsync(string[] args)
    {
        var model = args.Length > 0 ? args[0] : "pocket";
        var items = args.Length > 2 ? int.Parse(args[2]) : 40;
        using var plain = Load(model, Speculation.Off, null);
        using var lookup = Load(model, Speculation.Lookup, null);
        using var draft = args.Length > 1 ? Load(model, Speculation.Draft, args[1]) : null;
        foreach (var family in PocketWorld.Families.Where(f => Families.Contains(f.Name)))
            await CompareAsync(family.Name, [.. PocketWorld.Items(family, PocketSplit.Test, 1, items).Select(i => i.Prompt)], plain, lookup, draft);
        await CompareAsync("revise", [.. Revisions(items)], plain, lookup, draft);
    }

    /// <summary>A text that was asked for once, asked for again with another last line.</summary>
    static IEnumerable<IReadOnlyList<ChatMessage>> Revisions(int count)
    {
        const string end = "end with the line \"";
        var format = PocketWorld.Families.First(f => f.Name == "format");
        foreach (var item in PocketWorld.Items(format, PocketSplit.Test, 2, 10 * count).Where(i => i.Prompt[^1].Text.Contains(end)).Take(count))
        {
            var (asked, answer) = (item.Prompt[^1].Text, item.Answer.Text);
            var last = answer[(answer.LastIndexOf('\n') + 1)..];
            yield return [new(ChatRole.User, asked), new(ChatRole.Assistant, answer), new(ChatRole.User, asked.Replace($"{end}{last}\"", $"{end}{(last == "Bye!" ? "Done." : "Bye!")}\""))];
        }
    }

    static CriaChatClient Load(string model, Speculation kind, string? draft) =>
        CriaChatClient.Load(model, new() { Speculation = kind, Draft = draft });

    static async Task CompareAsync(string name, List<IReadOnlyList<ChatMessage>> items, CriaChatClient plain, CriaChatClient lookup, CriaChatClient? draft)
    {
        CriaChatClient[] clients = draft is null ? [plain, lookup] : [plain, lookup, draft];
        var seconds = new double[clients.Length];
        var (tokens, same) = (0L, true);
        for (var round = 0; round < 3; round++)
        {
            foreach (var prompt in items)
            {
                string? text = null;
                for (var i = 0; i < clients.Length; i++)
                {
                    var clock = Stopwatch.StartNew();
                    var answer = await clients[i].GetResponseAsync(prompt, new() { Temperature = 0 });
                    seconds[i] += round > 0 ? clock.Elapsed.TotalSeconds : 0;
                    same &= answer.Text == (text ??= answer.Text);
                    tokens += round > 0 && i == 0 ? answer.Usage!.OutputTokenCount!.Value : 0;
                }
            }
        }
        Console.WriteLine($"{name}: {tokens} tokens, {tokens / seconds[0]:f0} tokens/s; lookup {seconds[0] / seconds[1]:f2}x"
            + (draft is null ? "" : $", draft {seconds[0] / seconds[2]:f2}x") + (same ? "; the same texts" : "; THE TEXTS DIFFER"));
    }
}
