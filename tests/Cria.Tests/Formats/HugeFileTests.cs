using System.Text;
using Cria.Formats;
using Cria.Tokenization;

namespace Cria.Tests.Formats;

/// <summary>
/// Large files that promise more than they hold: each is refused, and all allocations of the thread added up stay below the bytes
/// of the file and 64 MB.
/// </summary>
public sealed class HugeFileTests
{
    const int Megabyte = 1 << 20;

    [Fact]
    public void HeaderOfAMillionTensors() => Refused("model.safetensors", f => SafetensorsFile.Open(f).Dispose(),
        SafetensorsTests.Raw("{" + Many(10 * Megabyte, i => $"\"{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}") + "}", []));

    [Fact]
    public void HeaderOfOneName() => Refused("model.safetensors", f => SafetensorsFile.Open(f).Dispose(),
        SafetensorsTests.Raw("{\"" + new string('x', 20 * Megabyte) + "\":{}}", []));

    [Fact]
    public void HeaderOfAMillionDimensions() => Refused("model.safetensors", f => SafetensorsFile.Open(f).Dispose(),
        SafetensorsTests.Raw("{\"a\":{\"dtype\":\"U8\",\"shape\":[" + Many(10 * Megabyte, _ => "1") + "],\"data_offsets\":[0,0]}}", []));

    [Fact]
    public void HeaderOfMetadata() => Refused("model.safetensors", f => SafetensorsFile.Open(f).Dispose(),
        SafetensorsTests.Raw("{\"__metadata__\":{" + Many(10 * Megabyte, i => $"\"{i}\":\"\"") + "}}", []));

    [Fact]
    public void HeaderOfNestedLists() => Refused("model.safetensors", f => SafetensorsFile.Open(f).Dispose(),
        SafetensorsTests.Raw("{\"a\":" + new string('[', 20 * Megabyte), []));

    [Fact]
    public void ConfigurationOfNumbers() => Refused("config.json", f => ModelConfig.Read(f),
        Encoding.UTF8.GetBytes("{\"a\":[" + Many(2 * Megabyte - 20, _ => "0") + "]}"));

    [Fact]
    public void ConfigurationOfNames() => Refused("config.json", f => ModelConfig.Read(f),
        Encoding.UTF8.GetBytes("{" + Many(2 * Megabyte - 20, i => $"\"{i}\":0") + "}"));

    [Fact]
    public void ConfigurationOfManyMegabytes() => Refused("config.json", f => ModelConfig.Read(f), new byte[100 * Megabyte]);

    /// <summary>Values that are thrown away, values that are kept, strings, nested tuples, calls, and entries of the zip file.</summary>
    [Theory]
    [InlineData("]", 10)]
    [InlineData("]q\0", 10)]
    [InlineData("X\u0004\0\0\0abcd", 10)]
    [InlineData(")\u0085\u0085", 10)]
    [InlineData("(((", 10)]
    [InlineData("}X\u0001\0\0\0aNs", 10)]
    [InlineData("ccollections\nOrderedDict\n)R", 10)]
    [InlineData("]((e", 10)]
    public void PickleOfMillions(string code, int megabytes) => Refused("consolidated.00.pth", f => PthFile.Open(f).Dispose(),
        TestPth.Zip([("x/data.pkl", Encoding.Latin1.GetBytes("\u0080\u0002" + Many(megabytes * Megabyte, _ => code, "") + "."))]));

    /// <summary>One tuple of many numbers as the shape of every tensor.</summary>
    [Fact]
    public void PickleOfTensorsThatShareOneShape() => Refused("consolidated.00.pth", f => PthFile.Open(f).Dispose(),
        TestPth.Zip([("x/data.pkl", Encoding.Latin1.GetBytes("\u0080\u0002]((" + string.Concat(Enumerable.Repeat("K\0", 16000)) + "tq\0ctorch._utils\n_rebuild_tensor_v2\nq\u0001"
            + "(X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpuK\0tQq\u0002e" + Many(Megabyte / 2, _ => "h\u0001(h\u0002K\0h\0h\0tRa", "") + "."))]));

    [Fact]
    public void PickleThatKeepsOneValueAMillionTimes() => Refused("consolidated.00.pth", f => PthFile.Open(f).Dispose(),
        TestPth.Zip([("x/data.pkl", Encoding.Latin1.GetBytes("\u0080\u0002N" + Many(10 * Megabyte, i => $"r{(char)(i & 255)}{(char)((i >> 8) & 255)}{(char)((i >> 16) & 255)}\0", "") + "."))]));

    [Fact]
    public void PickleOfManyMegabytes() => Refused("consolidated.00.pth", f => PthFile.Open(f).Dispose(), TestPth.Zip([("x/data.pkl", new byte[50 * Megabyte])]));

    [Fact]
    public void ZipDirectoryOfManyEntries() => Refused("consolidated.00.pth", f => PthFile.Open(f).Dispose(),
        TestPth.Zip(Enumerable.Range(0, 40000).Select(i => ($"x/{i}{new string('y', 400)}", Array.Empty<byte>()))));

    [Fact]
    public void VocabularyOfMillions() => Refused("tokenizer.json", f => Tokenizer.Load(f),
        Encoding.UTF8.GetBytes("{\"model\":{\"vocab\":{" + Many(10 * Megabyte, i => $"\"{i}\":{i}") + "}}}"));

    [Fact]
    public void VocabularyOfLongTokens() => Refused("tokenizer.json", f => Tokenizer.Load(f),
        Encoding.UTF8.GetBytes("{\"model\":{\"vocab\":{" + Many(10 * Megabyte, i => $"\"{i}{new string('x', 1000)}\":{i}") + "}}}"));

    [Fact]
    public void VocabularyOfMerges() => Refused("tokenizer.json", f => Tokenizer.Load(f),
        Encoding.UTF8.GetBytes("{\"model\":{\"vocab\":{" + string.Join(',', ByteAlphabet.Order.Select((b, i) => $"\"\\u{(int)ByteAlphabet.ToChar(b):x4}\":{i}"))
            + ",\"ab\":256},\"merges\":[" + Many(10 * Megabyte, _ => "\"a b\"") + ",\"b a\"]}}"));

    [Fact]
    public void ControlTokensOfMillions() => Refused("tokenizer.json", f => Tokenizer.Load(f),
        Encoding.UTF8.GetBytes("{\"added_tokens\":[" + Many(10 * Megabyte, i => $"{{\"id\":{i},\"content\":\"{i}\"}}") + "],\"model\":{\"vocab\":{}}}"));

    [Fact]
    public void TiktokenOfMillions() => Refused("tokenizer.model", f => Tokenizer.Load(f),
        Encoding.UTF8.GetBytes(Many(10 * Megabyte, i => $"{Convert.ToBase64String(BitConverter.GetBytes(i))} {i}\n", "")));

    [Fact]
    public void TiktokenOfOneToken() => Refused("tokenizer.model", f => Tokenizer.Load(f),
        Encoding.UTF8.GetBytes(new string('A', 20 * Megabyte) + " 0\n"));

    /// <summary>The largest vocabulary that is accepted costs no more either.</summary>
    [Fact]
    public void VocabularyOfHalfAMillionIsRead() => Costs("tokenizer.model", f => Assert.Equal(VocabularyBuilder.MaxId + SpecialTokens.Count, Tokenizer.Load(f).VocabularySize),
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, VocabularyBuilder.MaxId).Select(i =>
            $"{Convert.ToBase64String(i < 256 ? [(byte)i] : [(byte)i, (byte)(i >> 8), (byte)(i >> 16), 0])} {i}\n"))));

    static void Refused(string name, Action<string> open, byte[] bytes) =>
        Costs(name, path => Assert.InRange(Assert.Throws<CriaException>(() => open(path)).Message.Length, 1, 1000), bytes);

    static void Costs(string name, Action<string> open, byte[] bytes)
    {
        using var folder = new TestModel();
        File.WriteAllBytes(folder.File(name), bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        open(folder.File(name));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Current.TestOutputHelper!.WriteLine($"{bytes.Length} bytes, {allocated} allocated");
        Assert.True(allocated < bytes.Length + 64 * Megabyte, $"{bytes.Length} bytes, {allocated} allocated");
    }

    static string Many(int length, Func<int, string> item, string separator = ",")
    {
        var text = new StringBuilder(length + 2000);
        for (var i = 0; text.Length < length; i++)
            text.Append(i == 0 ? "" : separator).Append(item(i));
        return text.ToString();
    }
}
