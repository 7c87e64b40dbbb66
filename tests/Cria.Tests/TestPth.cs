using System.Buffers.Binary;
using System.Text;
using Cria.Tensors;

namespace Cria.Tests;

/// <summary>A tensor of a checkpoint to write; offset and strides in elements of the storage `data/Key`.</summary>
sealed record PthEntry(string Name, ElementType Type, long[] Shape, string Key, long Offset = 0, long[]? Strides = null, long? StorageCount = null);

/// <summary>Writes checkpoints as PyTorch does: a zip file of stored entries with aligned payloads (without their check sums), and a pickle of protocol 2.</summary>
static class TestPth
{
    /// <summary>A checkpoint file.</summary>
    public static byte[] File(IReadOnlyList<PthEntry> tensors, IReadOnlyDictionary<string, byte[]> storages, bool zip64 = false, bool wrapped = false) => Zip(
    [
        ("consolidated.00/data.pkl", Pickle(tensors, storages, wrapped)),
        ("consolidated.00/byteorder", "little"u8.ToArray()),
        .. storages.Select(s => ($"consolidated.00/data/{s.Key}", s.Value)),
        ("consolidated.00/version", "3\n"u8.ToArray()),
    ], zip64);

    /// <summary>A zip file; the directory holds ZIP64 fields for everything on request.</summary>
    public static byte[] Zip(IEnumerable<(string Name, byte[] Bytes)> entries, bool zip64 = false)
    {
        var (file, directory, count) = (new MemoryStream(), new MemoryStream(), 0);
        const uint Large = uint.MaxValue;
        foreach (var (name, bytes) in entries)
        {
            var start = (uint)file.Length;
            var padding = (int)((64 - (start + 30 + name.Length + 4) % 64) % 64);
            Write(file, 0x04034b50u, (ushort)0, (ushort)8, (ushort)0, 0u, 0u, 0u, 0u, (ushort)name.Length, (ushort)(4 + padding));
            file.Write(Encoding.UTF8.GetBytes(name));
            Write(file, (ushort)0x4246, (ushort)padding);
            file.Write(Enumerable.Repeat((byte)'Z', padding).ToArray());
            file.Write(bytes);
            Write(directory, 0x02014b50u, (ushort)0, (ushort)0, (ushort)8, (ushort)0, 0u, 0u, zip64 ? Large : (uint)bytes.Length,
                zip64 ? Large : (uint)bytes.Length, (ushort)name.Length, (ushort)(zip64 ? 28 : 0), (ushort)0, (ushort)0, (ushort)0, 0u, zip64 ? Large : start);
            directory.Write(Encoding.UTF8.GetBytes(name));
            if (zip64)
                Write(directory, (ushort)1, (ushort)24, (ulong)bytes.Length, (ulong)bytes.Length, (ulong)start);
            count++;
        }
        var (offset, length) = (file.Length, directory.Length);
        directory.WriteTo(file);
        if (zip64)
        {
            var end = (ulong)file.Length;
            Write(file, 0x06064b50u, 44UL, (ushort)45, (ushort)45, 0u, 0u, (ulong)count, (ulong)count, (ulong)length, (ulong)offset);
            Write(file, 0x07064b50u, 0u, end, 1u);
        }
        Write(file, 0x06054b50u, (ushort)0, (ushort)0, (ushort)(zip64 ? ushort.MaxValue : count), (ushort)(zip64 ? ushort.MaxValue : count),
            zip64 ? Large : (uint)length, zip64 ? Large : (uint)offset, (ushort)0);
        return file.ToArray();
    }

    /// <summary>The dictionary of the tensors.</summary>
    public static byte[] Pickle(IReadOnlyList<PthEntry> tensors, IReadOnlyDictionary<string, byte[]> storages, bool wrapped = false)
    {
        var code = new MemoryStream();
        code.Write([0x80, 2]);
        if (wrapped)
        {
            code.Write("}"u8);
            Text(code, "model");
        }
        code.Write("}q\0("u8);
        foreach (var tensor in tensors)
        {
            Text(code, tensor.Name);
            code.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text(code, "storage");
            code.Write(Encoding.ASCII.GetBytes($"ctorch\n{Storage(tensor.Type)}\n"));
            Text(code, tensor.Key);
            Text(code, "cpu");
            Number(code, tensor.StorageCount ?? storages[tensor.Key].Length / tensor.Type.BlockBytes());
            code.Write("tQ"u8);
            Number(code, tensor.Offset);
            Numbers(code, tensor.Shape);
            Numbers(code, tensor.Strides ?? StridedView.ContiguousStrides(tensor.Shape));
            code.Write([0x89]);
            code.Write("ccollections\nOrderedDict\n)RtR"u8);
        }
        code.Write(wrapped ? "us."u8 : "u."u8);
        return code.ToArray();
    }

    static void Numbers(Stream code, long[] numbers)
    {
        code.Write("("u8);
        foreach (var number in numbers)
            Number(code, number);
        code.Write("t"u8);
    }

    static void Number(Stream code, long number)
    {
        if (number is >= 0 and < 256)
            code.Write([(byte)'K', (byte)number]);
        else if (number is >= 0 and < 65536)
            code.Write([(byte)'M', (byte)number, (byte)(number >> 8)]);
        else
        {
            code.Write([0x8A, 8]);
            Write(code, number);
        }
    }

    static void Text(Stream code, string text)
    {
        code.Write("X"u8);
        Write(code, (uint)text.Length);
        code.Write(Encoding.ASCII.GetBytes(text));
    }

    static string Storage(ElementType type) => type switch
    {
        ElementType.F32 => "FloatStorage",
        ElementType.F16 => "HalfStorage",
        ElementType.BF16 => "BFloat16Storage",
        ElementType.I8 => "CharStorage",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    static void Write(Stream target, params object[] numbers)
    {
        Span<byte> bytes = stackalloc byte[8];
        foreach (var number in numbers)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, number switch { ushort v => v, uint v => v, long v => (ulong)v, ulong v => v, _ => throw new ArgumentException($"{number.GetType()}") });
            target.Write(bytes[..(number switch { ushort => 2, uint => 4, _ => 8 })]);
        }
    }
}
