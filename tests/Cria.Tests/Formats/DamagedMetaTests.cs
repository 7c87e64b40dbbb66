using System.Buffers.Binary;
using Cria.Formats;
using Cria.Tensors;

namespace Cria.Tests.Formats;

/// <summary>Damaged Meta directories, pickles with opcodes and names that run code in Python among them.</summary>
public sealed class DamagedMetaTests
{
    const string Shard = "consolidated.00.pth";

    static readonly Dictionary<string, byte[]> Storages = new() { ["0"] = new byte[96], ["1"] = [.. Enumerable.Range(0, 96).Select(i => (byte)i)] };

    static readonly PthEntry[] Entries =
    [
        new("a", ElementType.F32, [4, 6], "0"), new("b", ElementType.BF16, [4, 6], "1", 2, [1, 4]), new("c", ElementType.F32, [4, 6], "1"), new("a.b", ElementType.I8, [5], "0", 3),
    ];

    static TestShape Small => TestMetaModels.Shape with { Layers = 1, Hidden = 16, HeadSize = 4, FeedForward = 32, Type = ElementType.BF16 };

    [Fact]
    public void DamagedParameters() => Damage.Try(TestMetaModels.Write(Small), "params.json", 10_000, (m, f) => m.Next(3) == 0 ? m.Bytes(f) : m.Json(f), Damage.OpenModel);

    [Fact]
    public void DamagedZipDirectory() => Damage.Try(TestMetaModels.Write(Small, shards: 2), Shard, 16_000, (m, f) =>
    {
        var directory = BinaryPrimitives.ReadInt32LittleEndian(f.AsSpan(f.Length - 6));
        return m.Next(4) == 0 ? m.Bytes(f) : [.. f[..directory], .. m.Bytes(f[directory..])];
    }, Damage.OpenModel);

    [Fact]
    public void DamagedPickle() => Pickles(20_000, m => TestPth.Pickle(Entries, Storages, wrapped: m.Next(2) == 0) is var pickle && m.Next(3) == 0 ? m.Bytes(pickle) : m.Pickle(pickle));

    [Fact]
    public void RandomPickle() => Pickles(20_000, m => new RandomPickles(m).Next());

    static void Pickles(int cases, Func<Mutator, byte[]> next)
    {
        var model = new TestModel();
        File.WriteAllBytes(model.File(Shard), TestPth.File(Entries, Storages));
        Damage.Try(model, Shard, cases, (m, _) => TestPth.Zip([("x/data.pkl", next(m)), .. Storages.Select(s => ($"x/data/{s.Key}", s.Value))]), Read);
        Assert.False(File.Exists(Mutator.Ran), "a pickle was executed");
    }

    /// <summary>Joins each tensor of a checkpoint file with itself, so that every element is read.</summary>
    static unsafe long Read(string path)
    {
        using var file = PthFile.Open(Path.Combine(path, Shard));
        var sum = 0L;
        foreach (var view in file.Tensors.Where(t => t.Shape.Length > 0))
        {
            var gathered = new List<GatheredMemory>();
            var tensor = StridedView.Join([view, view], 0, gathered);
            for (var i = 0; i < tensor.ByteLength; i++)
                sum += tensor.Data[i];
            gathered.ForEach(g => g.Dispose());
        }
        return sum;
    }
}
