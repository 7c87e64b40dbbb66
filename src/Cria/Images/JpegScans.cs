using System.Buffers.Binary;

namespace Cria.Images;

/// <summary>
/// Walks the markers of a JPEG (ITU-T T.81, annex B) for what Skia does not see to: a progressive image that is cut off between two scans
/// is a success to it, and thousands of scans in a small file cost a pass over all pixels each.
/// </summary>
static class JpegScans
{
    /// <summary>Pixels times scans: twenty scans of the largest picture; progressive files have about ten.</summary>
    const long MaxWork = 20L * ImageDecoder.MaxPixels;

    const byte StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA, FirstRestart = 0xD0, LastRestart = 0xD7, Temporary = 0x01;

    /// <exception cref="CriaException">There is no end of the image, or there are too many scans.</exception>
    public static void Check(ReadOnlySpan<byte> jpeg, long pixels, string name)
    {
        var rest = jpeg;
        var scans = 0;
        while (rest.IndexOf((byte)0xFF) is >= 0 and var at && at + 1 < rest.Length)
        {
            var marker = rest[at + 1];
            rest = rest[(at + (marker == 0xFF ? 1 : 2))..]; // 0xFF may be repeated before a marker
            switch (marker)
            {
                case EndOfImage:
                    return;
                case 0 or 0xFF or StartOfImage or Temporary or (>= FirstRestart and <= LastRestart): // data, or a marker without a segment
                    continue;
                case StartOfScan when ++scans * pixels > MaxWork:
                    throw new CriaException($"{name}: the JPEG image has more than {scans - 1} scans, too many for {pixels} pixels");
            }
            if (rest.Length < 2 || BinaryPrimitives.ReadUInt16BigEndian(rest) is var length && length > rest.Length)
                break;
            rest = rest[length..];
        }
        throw new CriaException($"{name}: the JPEG image is cut off");
    }
}
