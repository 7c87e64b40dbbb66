using Cria.Chat;
using Cria.Evaluation.Pocket;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Training.Data;

/// <summary>The pocket world as documents: pure functions of split and index, without end.</summary>
sealed class PocketCorpus(Tokenizer tokenizer, ulong seed)
{
    const int LongestDialogue = 40; // turns

    // Where the later stages begin in the endless row of items, so that they see new ones.
    const long RefiningStart = 1_000_000_000, LongStart = 2_000_000_000, RecallStart = 3_000_000_000;

    // Documents of a hundred or so in each of the two fine-tuning stages. What is hard or short stands more often (a dialogue with
    // tools is several times as long as others); the second stage has most of what the first leaves weak.
    static readonly (string Family, int First, int Second)[] Weights =
    [
        ("summarise", 10, 4), ("rewrite", 8, 5), ("format", 10, 24), ("note", 10, 26), ("translate", 20, 20), ("arithmetic", 16, 10),
        ("tools", 6, 7), ("followup", 8, 14), ("newcomer", 8, 14),
    ];

    static readonly PocketFamily[] First = Deck(w => w.First), Second = Deck(w => w.Second);

    static PocketFamily[] Deck(Func<(string, int First, int Second), int> weight) =>
        [.. Weights.SelectMany(w => Enumerable.Repeat(PocketWorld.Families.Single(f => f.Name == w.Family), weight(w)))];

    static readonly string[] SystemTexts =
        ["You are a helpful assistant.", "You are pocket, a small assistant.", "Answer briefly.", "Be polite and answer the question.", "You are a friendly assistant. Keep your answers short."];

    /// <summary>The running text at an index: about the world, or an item told as text.</summary>
    public static string Text(PocketSplit split, ulong seed, long index)
    {
        var random = PocketRandom.For($"text/{split}", seed, index);
        if (random.Chance(0.35))
            return PocketTexts.Document(seed + (ulong)split * 1_000_003, index);
        var item = PocketWorld.Item(random.Pick(First), split, seed, index);
        return item.Tools.Count > 0 ? string.Join('\n', item.Tools.Select(t => $"{t.Name}: {t.Description}").Append(PocketWorld.PromptText(item)).Append(Words(item.Answer)))
            : string.Join('\n', item.Prompt.Append(item.Answer).Select(m => m.Text));
    }

    /// <summary>The words of the dialogue at an index, with the instructions for its tools: for learning a vocabulary.</summary>
    public static IEnumerable<string> DialogueTexts(PocketSplit split, ulong seed, long index)
    {
        var item = PocketWorld.Item(First[(int)(index % First.Length)], split, seed, index);
        return ChatFormat.Render([.. item.Prompt, item.Answer], new() { Tools = item.Tools }).Parts.Where(p => !p.IsControl).Select(p => p.Text);
    }

    /// <summary>For pretraining: BOS, text, end of text; all of it is learnt.</summary>
    public TrainingDocument Pretraining(PocketSplit split, long index) =>
        TrainingDocument.Text([tokenizer.BosId, .. tokenizer.Encode(Text(split, seed, index)), tokenizer.EndOfTextId]);

    /// <summary>For fine-tuning: an item as a dialogue, or in one of eight cases a dialogue of two to four turns.</summary>
    public TrainingDocument Dialogue(PocketSplit split, long index) => Dialogue(First, split, index);

    /// <summary>For the second fine-tuning: as the first, with other weights; three in ten are dialogues that ask all that a note says.</summary>
    public TrainingDocument Refining(PocketSplit split, long index)
    {
        var random = PocketRandom.For($"refine/{split}", seed, index);
        return random.Chance(0.3) ? DialogueDocument.Create(tokenizer, WithSystem(random, PocketTexts.NoteDialogue(split, seed, index)), [])
            : Dialogue(Second, split, index + RefiningStart);
    }

    /// <summary>For practice in recall: as the second fine-tuning, but half of it texts that say the same twice, of which all is learnt.</summary>
    public TrainingDocument Recalling(PocketSplit split, long index) =>
        PocketRandom.For($"recall/{split}", seed, index).Chance(0.5)
            ? TrainingDocument.Text([tokenizer.BosId, .. tokenizer.Encode(PocketTexts.Recall(seed + (ulong)split * 1_000_003, index)), tokenizer.EndOfTextId])
            : Refining(split, index + RecallStart);

    /// <summary>For the last stage: as the second fine-tuning, every third a long dialogue, cut to what a row holds.</summary>
    public TrainingDocument LongDialogue(PocketSplit split, long index, int rowLength)
    {
        var random = PocketRandom.For($"long/{split}", seed, index);
        if (!random.Chance(0.3))
            return Refining(split, index + LongStart);
        IReadOnlyList<ChatMessage> messages = [.. WithSystem(random, PocketTexts.Dialogue(split, seed, index + LongStart, random.Between(5, LongestDialogue)))];
        while (true)
        {
            var document = DialogueDocument.Create(tokenizer, messages, []);
            if (document.Tokens.Length <= rowLength)
                return document;
            messages = [.. messages.SkipLast(2)];
        }
    }

    TrainingDocument Dialogue(PocketFamily[] deck, PocketSplit split, long index)
    {
        var random = PocketRandom.For($"sft/{split}", seed, index);
        if (random.Chance(0.125))
            return DialogueDocument.Create(tokenizer, WithSystem(random, PocketTexts.Dialogue(split, seed, index, random.Between(2, 4))), []);
        var item = PocketWorld.Item(random.Pick(deck), split, seed, index);
        return DialogueDocument.Create(tokenizer, WithSystem(random, [.. item.Prompt, item.Answer]), item.Tools);
    }

    static IEnumerable<ChatMessage> WithSystem(PocketRandom random, IEnumerable<ChatMessage> messages) =>
        random.Chance(0.2) ? messages.Prepend(new ChatMessage(ChatRole.System, random.Pick(SystemTexts))) : messages;

    static string Words(ChatMessage message) =>
        message.Contents.OfType<FunctionCallContent>().ToList() is { Count: > 0 } calls ? Cria.Chat.ToolCalls.PythonicCalls.Write(calls) : message.Text;
}
