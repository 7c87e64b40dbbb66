using Cria.Formats;

namespace Cria.Tests.Formats;

/// <summary>
/// Opens many damaged versions of one file of a model: each opens or is one <see cref="CriaException"/> of one line that names a file of
/// the model, leaves no file behind, and costs the thread less than the bytes of the files and 64 MB (all allocations added up, also
/// those already free again).
/// </summary>
static class Damage
{
    const long Spare = 64 << 20;

    /// <param name="model">The sound model, which is left alone.</param>
    /// <param name="name">The file to damage.</param>
    /// <param name="cases">How many damages, each with its own seed.</param>
    /// <param name="mutate">Damages the bytes of the file.</param>
    /// <param name="open">Opens the model in a directory and reads from everything; 0 only if there was nothing.</param>
    public static void Try(TestModel model, string name, int cases, Func<Mutator, byte[], byte[]> mutate, Func<string, long> open)
    {
        using var source = model;
        Assert.NotEqual(0, open(model.Path));
        var sound = File.ReadAllBytes(model.File(name));
        var allowance = Directory.GetFiles(model.Path).Sum(f => new FileInfo(f).Length) - sound.Length + Spare;
        var refused = 0;
        Parallel.For(0, cases, new() { MaxDegreeOfParallelism = Environment.ProcessorCount }, () => Copy(model), (i, _, copy) =>
        {
            var damaged = mutate(new Mutator(i), sound);
            File.WriteAllBytes(copy.File(name), damaged);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                open(copy.Path);
            }
            catch (CriaException e)
            {
                Interlocked.Increment(ref refused);
                Assert.True(e.Message.Length < 1000 && !e.Message.AsSpan().ContainsAny("\r\n\f\u0085\u2028\u2029"), $"case {i}: {e.Message}");
                Assert.True(e.Message.Contains(copy.Path, StringComparison.Ordinal), $"case {i} names no file: {e.Message}");
            }
            catch (Exception e)
            {
                Assert.Fail($"case {i}: {e}");
            }
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < damaged.Length + allowance, $"case {i}: {allocated} bytes");
            return copy;
        }, copy =>
        {
            Assert.Equal(Names(model), Names(copy));
            copy.Dispose();
        });
        Assert.InRange(refused, cases / 4, cases);
    }

    /// <summary>Opens a model and reads the first and the last byte of every tensor.</summary>
    public static unsafe long OpenModel(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        var sum = 0L;
        foreach (var tensor in checkpoint.Tensors)
            if (tensor.ByteLength > 0)
                sum += tensor.Data[0] + tensor.Data[tensor.ByteLength - 1];
        return sum;
    }

    /// <summary>Reads a vocabulary and takes a text there and back.</summary>
    public static long OpenTokenizer(string path)
    {
        const string Text = "hello world <|eot_id|>, สวัสดี \n\n 1234";
        var tokenizer = ModelTokenizer.Load(path);
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text)));
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text, allowSpecial: true)));
        return tokenizer.VocabularySize;
    }

    static IEnumerable<string?> Names(TestModel model) => Directory.GetFiles(model.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    /// <summary>A copy in memory where the system has such a folder: files of ten thousands of cases are no work for a disk.</summary>
    static TestModel Copy(TestModel model)
    {
        var copy = new TestModel(Directory.Exists("/dev/shm") ? "/dev/shm" : null);
        foreach (var file in Directory.GetFiles(model.Path))
            File.Copy(file, copy.File(Path.GetFileName(file)));
        return copy;
    }
}
