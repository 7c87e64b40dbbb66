using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Cria.Formats;

namespace Cria.Tests.Generation;

/// <summary>A recorded case of golden/text: prompts and their greedy continuations.</summary>
sealed class GoldenText
{
    public GoldenText(string folder)
    {
        Model = Path.Combine(folder, "model");
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "case.json")))!;
        Prompts = [.. json["prompts"]!.AsArray().Select(name =>
        {
            using var recorded = SafetensorsFile.Open(Path.Combine(folder, (string)name!));
            return (Integers(recorded, "input_ids"), Integers(recorded, "greedy"));
        })];
        GreedyUntilStop = json["greedy_until_stop"]?.AsArray().Select(id => (int)id!).ToArray();
    }

    public string Model { get; }

    public List<(int[] Ids, int[] Greedy)> Prompts { get; }

    /// <summary>Up to and including the first end token.</summary>
    public int[]? GreedyUntilStop { get; }

    static unsafe int[] Integers(SafetensorsFile file, string name)
    {
        var tensor = file.Find(name)!;
        return [.. MemoryMarshal.Cast<byte, long>(new ReadOnlySpan<byte>(tensor.Data, (int)tensor.ByteLength)).ToArray().Select(id => (int)id)];
    }
}
