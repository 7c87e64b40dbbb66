using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Evaluation.Pocket;

/// <summary>How a model is put through the pocket world.</summary>
public sealed record PocketEvaluationOptions
{
    /// <summary>Different items of each family; a family that has fewer gives all it has.</summary>
    public int ItemsPerFamily { get; init; } = 300;

    /// <summary>Chooses the items.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Which part of the world they come from.</summary>
    public PocketSplit Split { get; init; } = PocketSplit.Test;

    /// <summary>The families; all by default.</summary>
    public IReadOnlyList<PocketFamily> Families { get; init; } = PocketWorld.Families;

    /// <summary>Tokens after which a reply is cut; the longest right ones have about 100.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>Whether calls of tools are guarded; if not, the model may write what it likes.</summary>
    public bool IsGuarded { get; init; } = true;

    /// <summary>Requests that are under way at once.</summary>
    public int Concurrency { get; init; } = 16;
}

/// <summary>One item, what the model replied and the verifier's score of it, 0 to 1.</summary>
public sealed record PocketTranscript(PocketItem Item, ChatMessage Reply, double Score);

/// <summary>A family's score: the mean over its items, 0 to 1, and how many there were.</summary>
public sealed record PocketScore(string Family, double Score, int Items);

/// <summary>What an evaluation found.</summary>
/// <param name="Families">The families' scores.</param>
/// <param name="Transcripts">Every item with its reply, family by family, in the order they were drawn.</param>
public sealed record PocketReport(IReadOnlyList<PocketScore> Families, IReadOnlyList<PocketTranscript> Transcripts)
{
    /// <summary>The mean of the families' scores, each family counting the same.</summary>
    public double Mean => Families.Average(f => f.Score);

    /// <summary>
    /// Of the replies to items with tools the share, 0 to 1, that is well formed: calls of tools on offer with their arguments and no others, or text
    /// that does not begin like a call; null without such items.
    /// </summary>
    public double? WellFormed => Transcripts.Where(t => t.Item.Tools.Count > 0).Average(t => Tools.IsWellFormed(t.Reply, t.Item.Tools) ? 1 : (double?)0);
}

/// <summary>Scores any chat client on fresh items of the pocket world, with greedy sampling.</summary>
public static class PocketEvaluation
{
    /// <summary>Asks every item once. The report does not depend on the order in which the replies come.</summary>
    /// <param name="client">The model; it is asked by several callers at once.</param>
    /// <param name="options">What is asked; null = the defaults.</param>
    /// <param name="progress">Told how many items are done and how many there are; may be called from several threads at once.</param>
    /// <param name="cancellation">Stops asking and the requests under way.</param>
    public static async Task<PocketReport> RunAsync(
        IChatClient client, PocketEvaluationOptions? options = null, Action<int, int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        options ??= new();
        PocketItem[] items = [.. options.Families.SelectMany(f => PocketWorld.Items(f, options.Split, options.Seed, options.ItemsPerFamily))];
        var transcripts = new PocketTranscript[items.Length];
        var done = 0;
        await Parallel.ForAsync(0, items.Length, new ParallelOptions { MaxDegreeOfParallelism = options.Concurrency, CancellationToken = cancellation }, async (i, token) =>
        {
            transcripts[i] = await AskAsync(client, items[i], options, token).ConfigureAwait(false);
            progress?.Invoke(Interlocked.Increment(ref done), items.Length);
        }).ConfigureAwait(false);
        var scores = transcripts.GroupBy(t => t.Item.Family).Select(g => new PocketScore(g.Key, g.Average(t => t.Score), g.Count()));
        return new([.. scores], transcripts);
    }

    static async Task<PocketTranscript> AskAsync(IChatClient client, PocketItem item, PocketEvaluationOptions options, CancellationToken cancellation)
    {
        var asked = new ChatOptions { Temperature = 0, MaxOutputTokens = options.MaxTokens };
        if (item.Tools.Count > 0)
            (asked.Tools, asked.AdditionalProperties) = ([.. item.Tools], new() { [CriaChatClient.GuardTools] = options.IsGuarded });
        var response = await client.GetResponseAsync(item.Prompt, asked, cancellation).ConfigureAwait(false);
        var reply = new ChatMessage(ChatRole.Assistant, [.. response.Messages.SelectMany(m => m.Contents)]);
        return new(item, reply, item.Verify(reply));
    }
}
