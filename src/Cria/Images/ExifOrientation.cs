using System.Buffers.Binary;
using SkiaSharp;

namespace Cria.Images;

/// <summary>
/// The orientation in a PNG's eXIf chunk (PNG, third edition, 11.3.3.2), which Skia does not report, and in a WebP's EXIF chunk, where it does not
/// know the `Exif\0\0` that many writers put before it as in a JPEG. <see cref="SKEncodedOrigin.TopLeft"/> where there is none or it cannot be read.
/// </summary>
static class ExifOrientation
{
    /// <summary>That of a PNG.</summary>
    public static SKEncodedOrigin OfPng(ReadOnlySpan<byte> png)
    {
        const int SignatureLength = 8, Overhead = 12; // length, type and checksum
        var rest = png[SignatureLength..];
        while (rest.Length >= Overhead && BinaryPrimitives.ReadUInt32BigEndian(rest) is var length && length <= rest.Length - Overhead)
        {
            if (rest[4..8].SequenceEqual("eXIf"u8))
                return ReadTiff(rest.Slice(8, (int)length));
            rest = rest[((int)length + Overhead)..];
        }
        return SKEncodedOrigin.TopLeft;
    }

    /// <summary>That of a WebP.</summary>
    public static SKEncodedOrigin OfWebp(ReadOnlySpan<byte> webp)
    {
        const int HeadLength = 12, Overhead = 8; // type and length
        var rest = webp[HeadLength..];
        while (rest.Length >= Overhead && BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]) is var length && length <= rest.Length - Overhead)
        {
            if (rest.StartsWith("EXIF"u8))
                return ReadTiff(rest.Slice(Overhead, (int)length));
            rest = rest[Math.Min(rest.Length, (int)length + (int)(length & 1) + Overhead)..]; // lengths are even
        }
        return SKEncodedOrigin.TopLeft;
    }

    /// <summary>Tag 0x0112 of the first directory of a TIFF structure (EXIF 2.32, 4.6.4).</summary>
    static SKEncodedOrigin ReadTiff(ReadOnlySpan<byte> tiff)
    {
        const int EntryLength = 12, Tag = 0x0112, Short = 3;
        if (tiff.StartsWith("Exif\0\0"u8))
            tiff = tiff[6..];
        var isLittle = tiff.StartsWith("II*\0"u8);
        if (tiff.Length < 8 || !(isLittle || tiff.StartsWith("MM\0*"u8)) || U32(tiff[4..]) is var offset && offset > tiff.Length - 2)
            return SKEncodedOrigin.TopLeft;
        var directory = tiff[(int)offset..];
        var entries = directory[2..];
        for (var n = U16(directory); n > 0 && entries.Length >= EntryLength; n--, entries = entries[EntryLength..])
            if (U16(entries) == Tag)
                return U16(entries[2..]) == Short && U32(entries[4..]) == 1 && U16(entries[8..]) is >= 1 and <= 8 and var value
                    ? (SKEncodedOrigin)value : SKEncodedOrigin.TopLeft;
        return SKEncodedOrigin.TopLeft;

        int U16(ReadOnlySpan<byte> at) => isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);
        uint U32(ReadOnlySpan<byte> at) => isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(at) : BinaryPrimitives.ReadUInt32BigEndian(at);
    }
}
