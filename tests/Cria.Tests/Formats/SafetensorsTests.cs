using System.Buffers.Binary;
using System.Text;
using Cria.Formats;
using Cria.Tensors;
using CsCheck;

namespace Cria.Tests.Formats;

public sealed class SafetensorsTests
{
    static readonly Gen<(ElementType Type, long[] Shape)> Tensors =
        Gen.Select(Gen.Enum<ElementType>().Where(t => t.BlockLength() == 1), Gen.Long[0, 5].Array[0, 4]);

    [Fact]
    public void EveryTypeAndShapeComesBack() => Tensors.Array[0, 8].Sample(tensors =>
    {
        using var folder = new TestModel();
        var random = new Random(1);
        var written = tensors.Select((t, i) =>
        {
            var data = new byte[t.Shape.Aggregate((long)t.Type.BlockBytes(), (a, b) => a * b)];
            random.NextBytes(data);
            return (Name: $"tensor {i} \"ä\"", t.Type, t.Shape, Data: (ReadOnlyMemory<byte>)data);
        }).ToList();
        var path = folder.File("a.safetensors");
        SafetensorsWriter.Write(path, written);
        Assert.Equal([path], Directory.GetFiles(folder.Path));
        using var file = SafetensorsFile.Open(path);
        Assert.Equal(written.Count, file.Tensors.Count);
        foreach (var (name, type, shape, data) in written)
        {
            var tensor = file.Find(name)!;
            Assert.Equal(type, tensor.Type);
            Assert.Equal(shape, tensor.Shape);
            Assert.Equal(data.ToArray(), Bytes(tensor));
        }
    }, iter: 200);

    [Fact]
    public void LayoutIsTheReferenceLibrarys()
    {
        using var folder = new TestModel();
        var path = folder.File("a.safetensors");
        SafetensorsWriter.Write(path,
        [
            ("z", ElementType.U8, [3], new byte[] { 1, 2, 3 }),
            ("b", ElementType.F32, [1], new byte[] { 4, 5, 6, 7 }),
            ("a", ElementType.F32, [], new byte[] { 8, 9, 10, 11 }),
        ]);
        const string Header = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"z":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}""";
        Assert.Equal(Raw(Header.PadRight((Header.Length + 7) / 8 * 8), [8, 9, 10, 11, 4, 5, 6, 7, 1, 2, 3]), File.ReadAllBytes(path));
    }

    [Fact]
    public void FailedWriteLeavesTheOldFile()
    {
        using var folder = new TestModel();
        var path = folder.File("a.safetensors");
        SafetensorsWriter.Write(path, [("a", ElementType.U8, [1], new byte[] { 7 })]);
        var before = File.ReadAllBytes(path);
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [("a", ElementType.U8, [2], new byte[] { 7 })]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [("a", ElementType.U8, [0], default), ("a", ElementType.U8, [0], default)]));
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}  """, 2)]
    [InlineData("""{"a":{"data_offsets":[1,2],"shape":[1],"dtype":"U8"},"__metadata__":{"x":""},"b":{"dtype":"I8","shape":[1,1],"data_offsets":[0,1]}}""", 2)]
    [InlineData("""{"a":{"dtype":"U8","shape":[0,9],"data_offsets":[1,1]},"b":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}""", 1)]
    [InlineData("{}", 0)]
    public void ValidHeadersAreAccepted(string header, int data)
    {
        using var folder = new TestModel();
        File.WriteAllBytes(folder.File("a.safetensors"), Raw(header, new byte[data]));
        using var file = SafetensorsFile.Open(folder.File("a.safetensors"));
        Assert.Equal(data, file.Tensors.Sum(t => t.ByteLength));
    }

    [Theory]
    [InlineData("gap", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", "data_offsets")]
    [InlineData("overlap", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", "data_offsets")]
    [InlineData("beyond the end", """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "data_offsets")]
    [InlineData("data of nobody", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", "bytes of data")]
    [InlineData("reversed", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}""", "data_offsets")]
    [InlineData("negative", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[-2,0]}}""", "data_offsets")]
    [InlineData("one offset", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[2]}}""", "data_offsets")]
    [InlineData("fraction", """{"a":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}}""", "shape")]
    [InlineData("length", """{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,2]}}""", "data_offsets")]
    [InlineData("product that wraps to 0", """{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", "shape")]
    [InlineData("product that wraps to 2", """{"a":{"dtype":"U8","shape":[9223372036854775807,9223372036854775807,2],"data_offsets":[0,2]}}""", "shape")]
    [InlineData("rank", """{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,2]}}""", "shape")]
    [InlineData("dtype", """{"a":{"dtype":"F13","shape":[2],"data_offsets":[0,2]}}""", "F13")]
    [InlineData("no dtype", """{"a":{"shape":[2],"data_offsets":[0,2]}}""", "dtype")]
    [InlineData("key twice", """{"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", "dtype")]
    [InlineData("unknown key", """{"a":{"dtype":"U8","shape":[2],"strides":[1],"data_offsets":[0,2]}}""", "strides")]
    [InlineData("name twice", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}""", "duplicate")]
    [InlineData("name with a line end", """{"a\n":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", "control")]
    [InlineData("metadata twice", """{"__metadata__":{"a":"","a":""}}""", "__metadata__")]
    [InlineData("metadata of numbers", """{"__metadata__":{"a":1}}""", "__metadata__")]
    [InlineData("tensor of text", """{"a":"F32"}""", "object")]
    [InlineData("two objects", """{} {}""", "header")]
    [InlineData("array", """[]""", "header")]
    [InlineData("space first", """ {}""", "header")]
    [InlineData("empty", "", "header")]
    [InlineData("lone surrogate", """{"\ud800":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", "header")]
    public void LyingHeadersAreRefused(string what, string header, string mention)
    {
        using var folder = new TestModel();
        File.WriteAllBytes(folder.File("a.safetensors"), Raw(header, new byte[2]));
        var error = Assert.Throws<CriaException>(() => SafetensorsFile.Open(folder.File("a.safetensors")));
        Assert.True(error.Message.Contains(mention) && error.Message.Contains("a.safetensors"), $"{what}: {error.Message}");
    }

    internal static byte[] Raw(string header, byte[] data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data];
    }

    static unsafe byte[] Bytes(Tensor tensor) => new ReadOnlySpan<byte>(tensor.Data, (int)tensor.ByteLength).ToArray();
}
