using System.Text;
using Cria.Formats;
using Cria.Tensors;

namespace Cria.Tests.Formats;

public sealed unsafe class PthFileTests
{
    static readonly float[] Values = [.. Enumerable.Range(0, 24).Select(i => (float)i)];

    static readonly Dictionary<string, byte[]> Storage = new() { ["0"] = TestModels.Bytes(Values, ElementType.F32), ["7"] = TestModels.Bytes(Values, ElementType.BF16) };

    [Theory]
    [InlineData(false, false), InlineData(true, false), InlineData(false, true), InlineData(true, true)]
    public void TensorsAreReadInPlace(bool zip64, bool wrapped)
    {
        using var folder = new TestModel();
        using var file = Open(folder, TestPth.File([new("a", ElementType.F32, [4, 6], "0"), new("b", ElementType.BF16, [3], "7", 21), new("same", ElementType.F32, [24], "0")], Storage, zip64, wrapped));
        Assert.Equal(["a", "b", "same"], file.Tensors.Select(t => t.Name));
        var gathered = new List<GatheredMemory>();
        var tensors = file.Tensors.Select(t => StridedView.Join([t], 0, gathered)).ToList();
        Assert.Empty(gathered);
        Assert.Equal(Values, Read(tensors[0]));
        Assert.Equal([21, 22, 23], Read(tensors[1]));
        Assert.True(tensors[0].Data == tensors[2].Data);
        Assert.Equal(0, (nint)tensors[0].Data % 64);
    }

    [Fact]
    public void ViewsWithGapsAndTransposedOnesAreGatheredWhenRead()
    {
        using var folder = new TestModel();
        using var file = Open(folder, TestPth.File([new("gap", ElementType.F32, [3, 2], "0", 1, [8, 1]), new("transposed", ElementType.BF16, [6, 4], "7", 0, [1, 6])], Storage));
        var gathered = new List<GatheredMemory>();
        Assert.Equal([1, 2, 9, 10, 17, 18], Read(StridedView.Join([file.Tensors[0]], 0, gathered)));
        Assert.Equal([0, 6, 12, 18, 1, 7], Read(StridedView.Join([file.Tensors[1]], 0, gathered))[..6]);
        Assert.Equal([1, 2, 1, 2, 9, 10, 9, 10, 17, 18, 17, 18], Read(StridedView.Join([file.Tensors[0], file.Tensors[0]], 1, gathered)));
        Assert.Equal(3, gathered.Count);
        gathered.ForEach(g => g.Dispose());
        Assert.Throws<ObjectDisposedException>(() => (nint)gathered[0].Pointer);
    }

    [Theory]
    [InlineData("a", 4, 6, 1, null, null, "reaches beyond")]
    [InlineData("a", 1L << 40, 1L << 40, 0, null, null, "too large")]
    [InlineData("a", 4, 6, 0, 7L, null, "reaches beyond")]
    [InlineData("a", 100, 1, 0, 0L, null, "reaches beyond")]
    [InlineData("a", 4, 6, 0, null, 1L << 40, "data/0")]
    [InlineData("a", 4, 6, 0, null, -1L, "data/0")]
    [InlineData("a", -4, -6, 0, null, null, "shape")]
    [InlineData("a", 4, 6, -1, null, null, "offset")]
    [InlineData("a\n", 4, 6, 0, null, null, "no name")]
    public void ATensorThatLeavesItsStorageIsRefusedByName(string name, long rows, long columns, long offset, long? stride, long? count, string message) =>
        Refused(TestPth.File([new(name, ElementType.F32, [rows, columns], "0", offset, stride is { } s ? [s, 1] : null, count)], Storage), name.TrimEnd(), message);

    [Theory]
    [InlineData("cposix\nsystem\nX\u0002\0\0\0id\u0085R.", "posix.system")]
    [InlineData("cbuiltins\neval\n.", "builtins.eval")]
    [InlineData("cnumpy.core.multiarray\n_reconstruct\n.", "numpy")]
    [InlineData("c__builtin__\n\u001b[31m\n.", "__builtin__.?[31m")]
    [InlineData("iposix\nsystem\n.", "opcode 0x69")]
    [InlineData("}\u0081.", "opcode 0x81")]
    [InlineData("ctorch\nSize\nX\u0001\0\0\0a\u0085R.", "arguments that do not fit")]
    [InlineData("ccollections\nOrderedDict\n)b.", "other than a dictionary")]
    [InlineData("R.", "no")]
    [InlineData("(R.", "no")]
    [InlineData("h\0.", "never kept")]
    [InlineData("}", "ends in the middle")]
    [InlineData("}}.", "left over")]
    [InlineData("].", "not a dictionary")]
    [InlineData("}X\u0001\0\0\0aNs.", "a is no tensor")]
    [InlineData("}X\u0001\0\0\0aNsX\u0001\0\0\0aNs.", "duplicate")]
    [InlineData("}K\0Ns.", "no string")]
    [InlineData("}q\0X\u0001\0\0\0ah\0s.", "a is no tensor")]
    [InlineData("}X\u0001\0\0\0aX\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\09X\u0003\0\0\0cpuK\u0001tQs.", "no mark")]
    public void APickleOfAnythingElseIsRefusedUnrun(string code, string message) =>
        Refused(TestPth.Zip([("x/data.pkl", Encoding.Latin1.GetBytes("\u0080\u0002" + code))]), message);

    [Fact]
    public void MetadataOfADictionaryIsIgnored()
    {
        using var folder = new TestModel();
        using var file = Open(folder, TestPth.Zip([("x/data.pkl", Encoding.Latin1.GetBytes("\u0080\u0002ccollections\nOrderedDict\n)R}X\u0009\0\0\0_metadataK\u0001sb."))]));
        Assert.Empty(file.Tensors);
    }

    [Fact]
    public void OtherFilesAreRefused()
    {
        var sound = TestPth.File([new("a", ElementType.F32, [4, 6], "0")], Storage);
        Refused([], "not a zip file");
        Refused(new byte[1000], "not a zip file");
        Refused(sound[..^1], "not a zip file");
        Refused(sound[..(sound.Length / 2)], "not a zip file");
        Refused(sound[64..], "zip directory");
        Refused(TestPth.Zip([("x/data.pkl", "\u0080\u0002}."u8.ToArray()), ("x/byteorder", "big"u8.ToArray())]), "byteorder");
        Refused(TestPth.Zip([("x/version", [])]), "data.pkl");
        Refused(TestPth.Zip([("data.pkl", [])]), "data.pkl");
        Refused(TestPth.Zip([("x/a", []), ("x/a", [])]), "two entries");
        Refused(TestPth.Zip([]), "data.pkl");
    }

    static PthFile Open(TestModel folder, byte[] bytes)
    {
        File.WriteAllBytes(folder.File("consolidated.00.pth"), bytes);
        return PthFile.Open(folder.File("consolidated.00.pth"));
    }

    static void Refused(byte[] bytes, params string[] parts)
    {
        using var folder = new TestModel();
        var message = Assert.Throws<CriaException>(() => Open(folder, bytes)).Message;
        Assert.All(parts.Append("consolidated.00.pth"), part => Assert.Contains(part, message));
    }

    static float[] Read(Tensor tensor)
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return values;
    }
}
