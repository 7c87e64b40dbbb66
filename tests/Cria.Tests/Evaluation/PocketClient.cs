using System.Collections.Concurrent;
using Cria.Evaluation.Pocket;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Evaluation;

/// <summary>A chat client that replies what a function says, after giving way to others.</summary>
sealed class PocketClient(Func<IReadOnlyList<ChatMessage>, ChatOptions, ChatMessage> reply, Func<CancellationToken, Task>? wait = null) : IChatClient
{
    public ConcurrentBag<ChatOptions> Asked { get; } = [];

    public static ChatMessage Text(string text) => new(ChatRole.Assistant, text);

    /// <summary>One that knows the reference answer of every item, but for what <paramref name="spoil"/> replaces.</summary>
    public static PocketClient Oracle(PocketEvaluationOptions options, Func<PocketItem, ChatMessage?>? spoil = null)
    {
        var answers = options.Families.SelectMany(f => PocketWorld.Items(f, options.Split, options.Seed, options.ItemsPerFamily))
            .ToDictionary(i => Joined(i.Prompt, i.Tools), i => spoil?.Invoke(i) ?? i.Answer);
        return new((messages, asked) => answers[Joined(messages, asked.Tools)]);
    }

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        if (wait is not null)
            await wait(cancellationToken);
        Asked.Add(options!);
        return new(reply([.. messages], options!));
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose() { }

    static string Joined(IEnumerable<ChatMessage> messages, IEnumerable<AITool>? tools) =>
        string.Join('\n', [.. (tools ?? []).Select(t => t.Name), .. messages.Select(m => $"{m.Role}: {PocketWorld.TextOf(m)}")]);
}
