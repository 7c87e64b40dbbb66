using Cria.Chat;
using Cria.Evaluation.Pocket;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Training.Data;

/// <summary>The pocket world as documents: pure functions of split and index, without end.</summary>
sealed class PocketCorpus(Tokenizer tokenizer, ulong seed)
{
    const int LongestDialogue = 40; // turns

    const long LongStart = 2_000_000_000; // where the last stage begins in the endless row of items, so that it sees new ones

    // Documents of a hundred or so. What is hard or short stands more often (a dialogue with tools is several times as long as others).
    static readonly PocketFamily[] Deck =
    [
        .. new (string Family, int Count)[]
        {
            ("summarise", 6), ("rewrite", 6), ("format", 16), ("note", 14), ("translate", 20), ("arithmetic", 13), ("tools", 7), ("followup", 12), ("newcomer", 13),
        }.SelectMany(w => Enumerable.Repeat(PocketWorld.Families.Single(f => f.Name == w.Family), w.Count)),
    ];

    static readonly string[] SystemTexts =
        ["You are a helpful assistant.", "You are pocket, a small assistant.", "Answer briefly.", "Be polite and answer the question.", "You are a friendly assistant. Keep your answers short."];

    /// <summary>The running text at an index: about the world, one that says the same twice, or a dialogue told as text.</summary>
    public static string Text(PocketSplit split, ulong seed, long index)
    {
        var random = PocketRandom.For($"text/{split}", seed, index);
        var texts = seed + (ulong)split * 1_000_003;
        switch (random.Next(20))
        {
            case < 4:
                return PocketTexts.Document(texts, index);
            case < 8:
                return PocketTexts.Recall(texts, index);
            case < 10:
                return Lines(PocketTexts.NoteDialogue(split, seed, index));
            default:
                var item = PocketWorld.Item(random.Pick(Deck), split, seed, index);
                return item.Tools.Count > 0 ? string.Join('\n', item.Tools.Select(t => $"{t.Name}: {t.Description}").Append(PocketWorld.PromptText(item)).Append(Words(item.Answer)))
                    : Lines(item.Prompt.Append(item.Answer));
        }

        static string Lines(IEnumerable<ChatMessage> messages) => string.Join('\n', messages.Select(m => m.Text));
    }

    /// <summary>The words of the dialogue at an index, with the instructions for its tools: for learning a vocabulary.</summary>
    public static IEnumerable<string> DialogueTexts(PocketSplit split, ulong seed, long index)
    {
        var item = PocketWorld.Item(Deck[(int)(index % Deck.Length)], split, seed, index);
        return ChatFormat.Render([.. item.Prompt, item.Answer], new() { Tools = item.Tools }).Parts.Where(p => !p.IsControl).Select(p => p.Text);
    }

    /// <summary>For pretraining: BOS, text, end of text; all of it is learnt, as far as a row holds it.</summary>
    public TrainingDocument Pretraining(PocketSplit split, long index, int rowLength)
    {
        int[] tokens = [tokenizer.BosId, .. tokenizer.Encode(Text(split, seed, index)), tokenizer.EndOfTextId];
        return TrainingDocument.Text(tokens.Length <= rowLength ? tokens : tokens[..rowLength]);
    }

    /// <summary>For fine-tuning: an item as a dialogue, in one of eight cases two to four in a row, and in one all that a note says.</summary>
    public TrainingDocument Dialogue(PocketSplit split, long index, int rowLength)
    {
        var random = PocketRandom.For($"sft/{split}", seed, index);
        switch (random.Next(8))
        {
            case 0:
                return Fitting(WithSystem(random, PocketTexts.Dialogue(split, seed, index, random.Between(2, 4))), rowLength);
            case 1:
                return Fitting(WithSystem(random, PocketTexts.NoteDialogue(split, seed, index)), rowLength);
            default:
                var item = PocketWorld.Item(random.Pick(Deck), split, seed, index);
                return DialogueDocument.Create(tokenizer, WithSystem(random, [.. item.Prompt, item.Answer]), item.Tools);
        }
    }

    /// <summary>For the last stage: as fine-tuning, every third a long dialogue.</summary>
    public TrainingDocument LongDialogue(PocketSplit split, long index, int rowLength)
    {
        index += LongStart;
        var random = PocketRandom.For($"long/{split}", seed, index);
        return random.Chance(0.3) ? Fitting(WithSystem(random, PocketTexts.Dialogue(split, seed, index, random.Between(5, LongestDialogue))), rowLength)
            : Dialogue(split, index, rowLength);
    }

    /// <summary>As many turns of a dialogue as a row holds.</summary>
    TrainingDocument Fitting(IEnumerable<ChatMessage> dialogue, int rowLength)
    {
        IReadOnlyList<ChatMessage> messages = [.. dialogue];
        while (true)
        {
            var document = DialogueDocument.Create(tokenizer, messages, []);
            if (document.Tokens.Length <= rowLength)
                return document;
            messages = [.. messages.SkipLast(2)];
        }
    }

    static IEnumerable<ChatMessage> WithSystem(PocketRandom random, IEnumerable<ChatMessage> messages) =>
        random.Chance(0.2) ? messages.Prepend(new ChatMessage(ChatRole.System, random.Pick(SystemTexts))) : messages;

    static string Words(ChatMessage message) =>
        message.Contents.OfType<FunctionCallContent>().ToList() is { Count: > 0 } calls ? Cria.Chat.ToolCalls.PythonicCalls.Write(calls) : message.Text;
}
