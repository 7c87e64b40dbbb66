using System.Diagnostics;
using Cria.Chat;
using Cria.Evaluation.Pocket;
using Cria.Generation;
using Microsoft.Extensions.AI;

namespace Cria.Benchmarks;

/// <summary>
/// `speculation [model] [draft] [items]`: answers to tasks that repeat or change parts of their prompt, without and with guesses, in turns.
/// Counts tokens of whole answers, prompts included, and checks that the texts are the same.
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
            await CompareAsync(family.Name, [.. PocketWorld.Items(family, PocketSplit.Test, 1, items).Select(i => (i.Prompt, (int?)null))], plain, lookup, draft);
        // A document that the model goes on copying: each paragraph stands several times.
        var texts = PocketWorld.Items(PocketWorld.Families.First(f => f.Name == "note"), PocketSplit.Test, 2, 4)
            .Select(i => ((IReadOnlyList<ChatMessage>)[new(ChatRole.User, string.Concat(Enumerable.Repeat(i.Prompt[^1].Text + "\n", 6)))], (int?)200));
        await CompareAsync("copy", [.. texts], plain, lookup, draft);
    }

    static CriaChatClient Load(string model, Speculation kind, string? draft) =>
        CriaChatClient.Load(model, new() { Speculation = kind, Draft = draft, Generator = new() { PrefixBytes = 0 } });

    static async Task CompareAsync(string name, List<(IReadOnlyList<ChatMessage> Prompt, int? MaxTokens)> items, CriaChatClient plain, CriaChatClient lookup, CriaChatClient? draft)
    {
        CriaChatClient[] clients = draft is null ? [plain, lookup] : [plain, lookup, draft];
        var seconds = new double[clients.Length];
        var (tokens, same) = (0L, true);
        for (var round = 0; round < 3; round++) // the first does not count
        {
            foreach (var (prompt, maxTokens) in items)
            {
                string? text = null;
                for (var i = 0; i < clients.Length; i++)
                {
                    var clock = Stopwatch.StartNew();
                    var answer = await clients[i].GetResponseAsync(prompt, new() { Temperature = 0, MaxOutputTokens = maxTokens });
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
