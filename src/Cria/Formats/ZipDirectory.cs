using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// Where the entries of a zip file lie in it (APPNOTE 6.3, ZIP64 included), for files whose entries are stored and can be read in
/// place; compressed or encrypted ones are refused. Nothing is ever extracted, so names mean nothing but themselves.
/// </summary>
sealed unsafe class ZipDirectory
{
    /// <summary>Twice the tensors a checkpoint may have.</summary>
    const int MaxEntries = 1 << 15;

    const int MaxName = 512, MaxComment = ushort.MaxValue;

    const int EndLength = 22, End64Length = 56, LocatorLength = 20, EntryLength = 46, LocalLength = 30;
    const uint EndMark = 0x06054b50, End64Mark = 0x06064b50, LocatorMark = 0x07064b50, EntryMark = 0x02014b50, LocalMark = 0x04034b50;
    const uint InZip64 = uint.MaxValue;
    const int Zip64Field = 1, EncryptedFlag = 1;

    readonly MappedFile _file;
    readonly Dictionary<string, (long Offset, long Length)> _entries = [];

    ZipDirectory(MappedFile file)
    {
        _file = file;
        var (offset, count) = FindDirectory();
        for (var i = 0L; i < count; i++)
            offset = ReadEntry(offset);
    }

    /// <summary>Reads the directory at the end of a file.</summary>
    /// <exception cref="CriaException">The file is no zip file, is damaged, or holds compressed entries.</exception>
    public static ZipDirectory Read(MappedFile file) => new(file);

    /// <summary>The folder of the first entry: PyTorch puts everything into one.</summary>
    public string? Folder { get; private set; }

    /// <summary>Where the bytes of an entry lie, or null where there is none.</summary>
    public (long Offset, long Length)? Find(string name) => _entries.TryGetValue(name, out var place) ? place : null;

    /// <summary>The bytes of an entry, or none where there is no such entry or it is longer than <paramref name="maxLength"/>.</summary>
    public ReadOnlySpan<byte> Bytes(string name, int maxLength) =>
        Find(name) is { } place && place.Length <= maxLength ? Span(place.Offset, (int)place.Length) : [];

    /// <summary>The end record is the last thing of the file but for a comment; large files have a second one in ZIP64 before it.</summary>
    (long Offset, long Count) FindDirectory()
    {
        var end = _file.Length - EndLength;
        var first = Math.Max(0, end - MaxComment);
        while (end >= first && !(U32(end) == EndMark && U16(end + 20) == _file.Length - end - EndLength))
            end--;
        if (end < first)
            throw Error("not a zip file, or cut off: it has no end record");
        if (U16(end + 4) is not (0 or ushort.MaxValue) || U16(end + 6) is not (0 or ushort.MaxValue))
            throw Error("one part of a zip file in several");
        var (count, length, offset) = ((long)U16(end + 10), (long)U32(end + 12), (long)U32(end + 16));
        if (count == ushort.MaxValue || length == InZip64 || offset == InZip64)
        {
            var locator = end - LocatorLength;
            if (locator < 0 || U32(locator) != LocatorMark)
                throw Error("a large zip file without a ZIP64 end record");
            end = I64(locator + 8);
            if (end < 0 || end > locator - End64Length || U32(end) != End64Mark)
                throw Error("the ZIP64 end record is not where the file says");
            (count, length, offset) = (I64(end + 32), I64(end + 40), I64(end + 48));
        }
        if (offset < 0 || length < 0 || length > end || offset > end - length)
            throw Error($"a zip directory of {length} bytes at {offset} does not lie in the file of {_file.Length}");
        return count is >= 0 and <= MaxEntries && count <= length / EntryLength ? (offset, count)
            : throw Error($"a zip directory of {length} bytes does not hold {count} entries, or they are more than {MaxEntries}");
    }

    /// <summary>Reads one entry of the directory and finds its bytes; returns where the next one begins.</summary>
    long ReadEntry(long at)
    {
        if (at > _file.Length - EntryLength || U32(at) != EntryMark)
            throw Error($"no entry of the zip directory at {at}");
        int nameLength = U16(at + 28), extraLength = U16(at + 30);
        var next = at + EntryLength + nameLength + extraLength + U16(at + 32);
        if (nameLength is 0 or > MaxName || next > _file.Length)
            throw Error($"the entry of the zip directory at {at} is damaged");
        var name = Span(at + EntryLength, nameLength);
        if (!Utf8.IsValid(name))
            throw Error($"the entry of the zip directory at {at} has a name that is not UTF-8");
        var text = Encoding.UTF8.GetString(name);
        var shown = OneLine.Cut(text);
        if ((U16(at + 8) & EncryptedFlag) != 0)
            throw Error($"entry {shown} is encrypted");
        var (stored, length, local) = ((long)U32(at + 20), (long)U32(at + 24), (long)U32(at + 42));
        ReadZip64(Span(at + EntryLength + nameLength, extraLength), shown, ref length, ref stored, ref local);
        if (U16(at + 10) != 0 || stored != length)
            throw Error($"entry {shown} is compressed, only stored ones can be read in place");
        if (local < 0 || local > _file.Length - LocalLength || U32(local) != LocalMark)
            throw Error($"entry {shown} is not at {local}, where the zip directory says");
        var offset = local + LocalLength + U16(local + 26) + U16(local + 28);
        if (length < 0 || offset > _file.Length || length > _file.Length - offset || U16(local + 26) != nameLength || !Span(local + LocalLength, nameLength).SequenceEqual(name))
            throw Error($"entry {shown} of {length} bytes does not lie at {local}, where the zip directory says");
        if (!_entries.TryAdd(text, (offset, length)))
            throw Error($"two entries {shown}");
        Folder ??= text.IndexOf('/') is > 0 and var slash ? text[..slash] : "";
        return next;
    }

    /// <summary>Sizes and offsets of 4 GB and more stand in the extra field 1, in this order, those that need it only.</summary>
    void ReadZip64(ReadOnlySpan<byte> extra, string shown, ref long length, ref long stored, ref long local)
    {
        if (length != InZip64 && stored != InZip64 && local != InZip64)
            return;
        while (extra.Length >= 4)
        {
            int id = BinaryPrimitives.ReadUInt16LittleEndian(extra), size = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (size > extra.Length - 4)
                break;
            var field = extra.Slice(4, size);
            if (id == Zip64Field && Take(ref field, ref length) && Take(ref field, ref stored) && Take(ref field, ref local))
                return;
            extra = extra[(4 + size)..];
        }
        throw Error($"entry {shown} lacks its ZIP64 sizes");

        static bool Take(ref ReadOnlySpan<byte> field, ref long value)
        {
            if (value != InZip64)
                return true;
            if (field.Length < sizeof(long))
                return false;
            value = BinaryPrimitives.ReadInt64LittleEndian(field);
            field = field[sizeof(long)..];
            return true;
        }
    }

    ushort U16(long at) => BinaryPrimitives.ReadUInt16LittleEndian(Span(at, sizeof(ushort)));

    uint U32(long at) => BinaryPrimitives.ReadUInt32LittleEndian(Span(at, sizeof(uint)));

    long I64(long at) => BinaryPrimitives.ReadInt64LittleEndian(Span(at, sizeof(long)));

    /// <summary>Every access goes through here; callers have checked the range for a better message.</summary>
    ReadOnlySpan<byte> Span(long at, int length) => at >= 0 && at <= _file.Length - length ? new(_file.Pointer + at, length)
        : throw Error("damaged zip directory");

    CriaException Error(string problem) => new($"{_file.Path}: {problem}");
}
