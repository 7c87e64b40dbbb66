using System.Runtime.InteropServices;
using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// Guesses tokens by a smaller model, greedily and for all conversations at once. It reads the same texts, prompts too, but no images: what only
/// these show it does not guess.
/// </summary>
sealed class DraftModel(TextModel model)
{
    readonly List<Row> _rows = [];
    float[] _logits = [];

    /// <summary>Reads on, and guesses for those whose text is read to the end.</summary>
    /// <param name="conversations">Each with how many tokens to guess; 0 reads only.</param>
    /// <param name="promptRows">Unread tokens to read in one forward, of all conversations together.</param>
    /// <param name="cancellation">Looked at between layers.</param>
    public void Guess(List<(Conversation Conversation, int Count)> conversations, int promptRows, CancellationToken cancellation)
    {
        conversations.ForEach(c => c.Conversation.Guesses.Follow(c.Conversation.Ids));
        conversations = conversations.FindAll(c => c.Conversation.Guesses.Text.Count is > 0 and var length && length + c.Count <= model.Config.MaxPositions);
        foreach (var (conversation, _) in conversations)
        {
            var draft = conversation.Guesses.Draft!;
            draft.Truncate(Math.Min(draft.Length, conversation.Guesses.Text.Count - 1)); // guesses that were wrong
        }
        while (conversations.Count > 0)
        {
            _rows.Clear();
            var due = new List<(Conversation Conversation, int Count)>();
            foreach (var (conversation, count) in conversations)
                if (AddRows(conversation.Guesses, Math.Max(1, promptRows / conversations.Count), count > 0))
                    due.Add((conversation, count));
            var size = model.Config.VocabularySize;
            if (_logits.Length < due.Count * size)
                _logits = GC.AllocateUninitializedArray<float>(due.Count * size);
            model.Forward(CollectionsMarshal.AsSpan(_rows), _logits.AsSpan(0, due.Count * size), cancellation);
            model.Workers.Run(due.Count, (i, _) => due[i].Conversation.Guesses.Ids.Add(Best(_logits.AsSpan(i * size, size))));
            conversations = due.FindAll(d => d.Conversation.Guesses.Ids.Count < d.Count);
        }
    }

    /// <summary>The most probable token; any one of a damaged model, whose guesses then are wrong.</summary>
    static int Best(ReadOnlySpan<float> logits) => Logits.AreFinite(logits) ? Logits.ArgMax(logits) : 0;

    /// <summary>Adds the next unread tokens, guesses included; whether they end with the last one, whose logits are wanted.</summary>
    bool AddRows(Guesses guesses, int most, bool wantsLogits)
    {
        var (text, draft) = (guesses.Text, guesses.Draft!);
        var length = text.Count + guesses.Ids.Count;
        var end = Math.Min(length, draft.Length + most);
        for (var at = draft.Length; at < end; at++)
            _rows.Add(new(draft, at, at < text.Count ? text[at] : guesses.Ids[at - text.Count], WantsLogits: wantsLogits && at == length - 1));
        return wantsLogits && end == length;
    }
}
