using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Cria.Chat.ToolCalls;
using Microsoft.Extensions.AI;

namespace Cria.Evaluation.Pocket;

/// <summary>
/// The pocket world: small tasks of the kinds that Llama 3.2 1B and 3B are made for, generated from a seed, each with a verifier.
/// The hash of a prompt's words decides which split it belongs to, so that no prompt is in two, not even with other capitals or
/// punctuation. Stateless and thread-safe.
/// </summary>
public static class PocketWorld
{
    const int Parts = 50, TestParts = 1, ValidationParts = 1; // of 50 parts by hash, one each is kept for test and validation

    /// <summary>All families.</summary>
    public static IReadOnlyList<PocketFamily> Families { get; } =
    [
        new Summarise(), new Rewrite(), new Format(), new Note(), new Translate(), new Arithmetic(), new Tools(), new FollowUp(), new Newcomer(),
    ];

    /// <summary>The item of a family at an index; the same arguments give the same item.</summary>
    public static PocketItem Item(PocketFamily family, PocketSplit split, ulong seed, long index)
    {
        for (var attempt = 0; ; attempt++)
        {
            var item = family.Create(PocketRandom.For($"{family.Name}/{split}", seed, index, attempt));
            if (SplitOf(item) == split)
                return item;
        }
    }

    /// <summary>
    /// Different items of a family: fewer than asked where the family has no more. Of the parts that are kept from training, those
    /// are left out that a training dialogue may hold as one of its turns.
    /// </summary>
    public static IReadOnlyList<PocketItem> Items(PocketFamily family, PocketSplit split, ulong seed, int count)
    {
        var items = new List<PocketItem>();
        var seen = new HashSet<string>();
        for (long index = 0; items.Count < count && index < 20L * count; index++)
            if (Item(family, split, seed, index) is var item && (split == PocketSplit.Train || !FollowUp.MayHold(item)) && seen.Add(Key(item)))
                items.Add(item);
        return items;
    }

    /// <summary>The split a prompt belongs to.</summary>
    public static PocketSplit SplitOf(PocketItem item)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(Key(item)));
        var part = BinaryPrimitives.ReadUInt64LittleEndian(hash) % Parts;
        return part < TestParts ? PocketSplit.Test : part < TestParts + ValidationParts ? PocketSplit.Validation : PocketSplit.Train;
    }

    /// <summary>What two prompts that count as the same share: the text without case, white space and marks that end or part sentences.</summary>
    public static string Key(PocketItem item) =>
        string.Concat(PromptText(item).ToLowerInvariant().Where(c => !char.IsWhiteSpace(c) && !".,!?:;\"'¿¡()".Contains(c)));

    /// <summary>A prompt as one text, with its tools and roles.</summary>
    public static string PromptText(PocketItem item)
    {
        var text = new StringBuilder();
        foreach (var tool in item.Tools)
            text.Append(tool.Name).Append('|').Append(tool.Description).Append('\n');
        foreach (var message in item.Prompt)
            text.Append(message.Role).Append(": ").Append(TextOf(message)).Append('\n');
        return text.ToString();
    }

    /// <summary>A message as text: calls as the pythonic list a model writes, a tool's result as it is.</summary>
    public static string TextOf(ChatMessage message)
    {
        FunctionCallContent[] calls = [.. message.Contents.OfType<FunctionCallContent>()];
        var results = message.Contents.OfType<FunctionResultContent>().Select(r => $"{r.Result}");
        return string.Concat([message.Text, .. results, calls.Length > 0 ? PythonicCalls.Write(calls) : ""]);
    }
}
