using Microsoft.Extensions.AI;

namespace Cria.Chat;

/// <summary>Turns of a dialogue: a user's message and everything up to the next one.</summary>
static class DialogueTurns
{
    /// <summary>
    /// Leaves out the oldest turns after the system message until the prompt has at most so many tokens, or only the last turn is left.
    /// Gives the number of messages that stay, and their prompt.
    /// </summary>
    public static (int Kept, int[] Prompt) Shorten(IReadOnlyList<ChatMessage> dialogue, Func<IReadOnlyList<ChatMessage>, int[]> encode, int tokens)
    {
        var head = dialogue[0].Role == ChatRole.System ? 1 : 0;
        List<int> starts = [head, .. Enumerable.Range(head, dialogue.Count - head).Skip(1).Where(i => dialogue[i].Role == ChatRole.User)];
        var (first, last) = (0, starts.Count - 1); // fewer messages, fewer tokens
        while (first < last)
        {
            var middle = (first + last) / 2;
            if (encode(From(starts[middle])).Length <= tokens)
                last = middle;
            else
                first = middle + 1;
        }
        var kept = From(starts[first]);
        return (kept.Count, encode(kept));

        List<ChatMessage> From(int start) => [.. dialogue.Take(head), .. dialogue.Skip(start)];
    }
}
