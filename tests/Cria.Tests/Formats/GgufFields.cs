using System.Buffers.Binary;
using System.Text;
using Cria.Formats;

namespace Cria.Tests.Formats;

/// <summary>The head of a sound GGUF file cut into its fields: one group for the counts, one for each key and one for each tensor.</summary>
sealed class GgufFields
{
    const int TypeBytes = 4;

    /// <summary>Numbers that lie, as integers and as the bits of floats.</summary>
    static readonly ulong[] Lies =
    [
        0, 1, 2, 3, 4, 7, 8, 12, 31, 32, 33, 63, 64, 255, 256, 512, 513, 1024, 4096, 65535, 65536, 1 << 20, 1 << 24, 1 << 30, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32, 1UL << 40,
        1UL << 60, 1UL << 62, long.MaxValue / 8, long.MaxValue - 31, long.MaxValue, 1UL << 63, ulong.MaxValue - 31, ulong.MaxValue, 0x7F800000, 0xFF800000, 0x7FC00000, 0x3F800000, 0xBF800000, 0x7F7FFFFF,
    ];

    readonly List<byte[][]> _groups = [];
    readonly byte[] _file;
    int _at;

    public GgufFields(byte[] file)
    {
        _file = file;
        _groups.Add([Take(4), Take(4), Take(8), Take(8)]);
        var (tensors, keys) = (Number(_groups[0][2]), Number(_groups[0][3]));
        for (var i = 0UL; i < keys; i++)
            _groups.Add([.. Text(), .. Value()]);
        for (var i = 0UL; i < tensors; i++)
            _groups.Add([.. Text(), .. Tensor()]);
    }

    /// <summary>The file with one to three fields or groups wrong.</summary>
    public byte[] Damaged(Mutator random)
    {
        var groups = _groups.ToList();
        for (var n = 1 + random.Next(3); n > 0; n--)
        {
            var at = random.Next(groups.Count);
            switch (random.Next(12))
            {
                case 0:
                    groups.RemoveAt(at);
                    Count(groups, random);
                    break;
                case 1:
                    groups.Insert(at, groups[random.Next(groups.Count)]);
                    Count(groups, random);
                    break;
                case 2:
                    var other = random.Next(groups.Count);
                    (groups[at], groups[other]) = (groups[other], groups[at]);
                    break;
                default:
                    var group = groups[at] = [.. groups[at]];
                    var field = random.Next(random.Next(2) == 0 ? Math.Min(8, group.Length) : group.Length);
                    group[field] = Damaged(group[field], random);
                    break;
            }
            if (groups.Count == 0)
                break;
        }
        var file = new MemoryStream(_file.Length + 64);
        foreach (var group in groups)
            foreach (var field in group)
                file.Write(field);
        file.Write(_file.AsSpan(_at));
        return file.ToArray();
    }

    /// <summary>Mostly, the counts are right again for a key more or less.</summary>
    static void Count(List<byte[][]> groups, Mutator random)
    {
        if (groups.Count > 0 && groups[0].Length == 4 && groups[0][3].Length == 8 && random.Next(4) > 0)
            groups[0] = [.. groups[0][..3], Bytes((ulong)(groups.Count - 1) - Number(groups[0][2]), 8)];
    }

    byte[] Damaged(byte[] field, Mutator random)
    {
        if (field.Length is not (1 or 2 or 4 or 8))
            return random.Next(3) == 0 ? Encoding.Latin1.GetBytes(new string('\xC3', field.Length)) : random.Bytes(field);
        var number = Number(field);
        return Bytes(random.Next(6) switch
        {
            0 => number + 1,
            1 => number - 1,
            2 => number * 2,
            3 => (ulong)random.Next(14), // types
            _ => Lies[random.Next(Lies.Length)] + (ulong)random.Next(3) - 1,
        }, field.Length);
    }

    List<byte[]> Text()
    {
        var length = Take(8);
        return [length, Take((int)Number(length))];
    }

    List<byte[]> Value()
    {
        var type = Take(TypeBytes);
        if ((GgufType)Number(type) != GgufType.Array)
            return [type, .. Scalar((GgufType)Number(type))];
        var (inner, count) = (Take(TypeBytes), Take(8));
        var fields = new List<byte[]> { type, inner, count };
        for (var i = 0UL; i < Number(count); i++)
            fields.AddRange(Scalar((GgufType)Number(inner)));
        return fields;
    }

    List<byte[]> Scalar(GgufType type) => type == GgufType.String ? Text() : [Take(GgufValue.Size(type))];

    List<byte[]> Tensor()
    {
        var dimensions = Take(4);
        return [dimensions, .. Enumerable.Range(0, (int)Number(dimensions)).Select(_ => Take(8)), Take(TypeBytes), Take(8)];
    }

    byte[] Take(int length) => _file[_at..(_at += length)];

    static ulong Number(byte[] field)
    {
        Span<byte> wide = stackalloc byte[8];
        field.CopyTo(wide);
        return BinaryPrimitives.ReadUInt64LittleEndian(wide);
    }

    static byte[] Bytes(ulong number, int length) => BitConverter.GetBytes(number)[..length];
}
