using System.Buffers.Binary;
using Cria.Formats;
using Cria.Tensors;

namespace Cria.Tests.Formats;

/// <summary>
/// Damaged Meta directories, opcodes that run code in Python among the damages: each opens or is one <see cref="CriaException"/> of one
/// line, and costs the thread less than the bytes of its files and 64 MB.
/// </summary>
public sealed class DamagedMetaTests
{
    const long Allowance = 64 << 20;

    static TestShape Small => TestMetaModels.Shape with { Layers = 1, Hidden = 32, HeadSize = 8, FeedForward = 48, Type = ElementType.BF16 };

    [Fact]
    public void DamagedParameters() => Damage(TestMetaModels.Write(Small), "params.json", 4000, (m, f) => m.Next(3) == 0 ? m.Bytes(f) : m.Json(f), OpenModel);

    [Fact]
    public void DamagedZipDirectory() => Damage(TestMetaModels.Write(Small, shards: 2), "consolidated.00.pth", 4000, (m, f) =>
    {
        var directory = BinaryPrimitives.ReadInt32LittleEndian(f.AsSpan(f.Length - 6));
        return m.Next(4) == 0 ? m.Bytes(f) : [.. f[..directory], .. m.Bytes(f[directory..])];
    }, OpenModel);

    [Fact]
    public void DamagedPickle()
    {
        var shape = new long[] { 4, 6 };
        var storages = new Dictionary<string, byte[]> { ["0"] = new byte[96], ["1"] = [.. Enumerable.Range(0, 96).Select(i => (byte)i)] };
        PthEntry[] entries = [new("a", ElementType.F32, shape, "0"), new("b", ElementType.BF16, shape, "1", 2, [1, 4]), new("c", ElementType.F32, shape, "1"), new("a.b", ElementType.I8, [5], "0", 3)];
        var model = new TestModel();
        File.WriteAllBytes(model.File("consolidated.00.pth"), TestPth.File(entries, storages));
        Damage(model, "consolidated.00.pth", 12000, (m, _) =>
        {
            var pickle = TestPth.Pickle(entries, storages, wrapped: m.Next(2) == 0);
            return TestPth.Zip([("x/data.pkl", m.Next(3) == 0 ? m.Bytes(pickle) : m.Pickle(pickle)), .. storages.Select(s => ($"x/data/{s.Key}", s.Value))]);
        }, OpenFile);
    }

    static void Damage(TestModel written, string name, int cases, Func<Mutator, byte[], byte[]> mutate, Action<TestModel, bool> open)
    {
        using var model = written;
        var sound = File.ReadAllBytes(model.File(name));
        open(model, false);
        var refused = 0;
        for (var i = 0; i < cases; i++)
        {
            File.WriteAllBytes(model.File(name), mutate(new Mutator(i), sound));
            var limit = Directory.GetFiles(model.Path).Sum(f => new FileInfo(f).Length) + Allowance;
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                open(model, true);
            }
            catch (CriaException e)
            {
                refused++;
                Assert.True(e.Message.Length < 1000 && !e.Message.AsSpan().ContainsAny("\r\n\f\u0085\u2028\u2029"), $"case {i}: {e.Message}");
            }
            catch (Exception e)
            {
                Assert.Fail($"case {i}: {e}");
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, limit);
        }
        Assert.InRange(refused, cases / 4, cases);
    }

    /// <summary>Opens a model and reads the first and the last byte of every tensor.</summary>
    static unsafe void OpenModel(TestModel model, bool damaged)
    {
        using var checkpoint = Checkpoint.Open(model.Path);
        var sum = 0;
        foreach (var tensor in checkpoint.Tensors)
            if (tensor.ByteLength > 0)
                sum += tensor.Data[0] + tensor.Data[tensor.ByteLength - 1];
        Assert.True(damaged || sum > 0);
    }

    /// <summary>Opens a checkpoint file and joins each tensor with itself, so that every element is read.</summary>
    static unsafe void OpenFile(TestModel model, bool damaged)
    {
        using var file = PthFile.Open(model.File("consolidated.00.pth"));
        var sum = 0;
        foreach (var view in file.Tensors.Where(t => t.Shape.Length > 0))
        {
            var gathered = new List<GatheredMemory>();
            var tensor = StridedView.Join([view, view], 0, gathered);
            for (var i = 0; i < tensor.ByteLength; i++)
                sum += tensor.Data[i];
            gathered.ForEach(g => g.Dispose());
        }
        Assert.True(damaged || sum > 0);
    }
}
