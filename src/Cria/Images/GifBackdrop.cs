namespace Cria.Images;

/// <summary>
/// What a GIF (GIF89a, sections 18 to 23) shows where its first frame is transparent or does not reach. The reference's loader drops transparency: it is
/// the colour of the transparent index, and without one the first of the palette; to Skia both are nothing.
/// </summary>
static class GifBackdrop
{
    const byte Extension = 0x21, GraphicControl = 0xF9, ImageDescriptor = 0x2C, HasPalette = 0x80, IsTransparent = 1;
    const int HeadLength = 13, DescriptorLength = 10;

    /// <summary>The file with no pixel of its first frame transparent, which is a copy where one was; and the pixel to show where that does not reach.</summary>
    /// <param name="gif">A file that begins as a GIF does; it may be damaged behind that.</param>
    /// <param name="backdrop">Four bytes, red first.</param>
    public static ReadOnlySpan<byte> Opaque(ReadOnlySpan<byte> gif, out uint backdrop)
    {
        byte[]? copy = null;
        var index = 0;
        var palette = Palette(gif, 10, HeadLength);
        var at = HeadLength + palette.Length;
        for (; at + DescriptorLength <= gif.Length && gif[at] == Extension; at++)
        {
            if (gif[at + 1] == GraphicControl && (gif[at + 3] & IsTransparent) != 0)
            {
                copy ??= gif.ToArray();
                copy[at + 3] ^= IsTransparent;
                index = gif[at + 6];
            }
            for (at += 2; at < gif.Length && gif[at] > 0;)
                at += gif[at] + 1;
        }
        if (at + DescriptorLength <= gif.Length && gif[at] == ImageDescriptor && Palette(gif, at + DescriptorLength - 1, at + DescriptorLength) is { Length: > 0 } own)
            palette = own;
        var color = index * 3 < palette.Length ? palette.Slice(index * 3, 3) : [0, 0, 0];
        backdrop = (uint)(color[0] | color[1] << 8 | color[2] << 16 | 0xFF << 24);
        return copy ?? gif;
    }

    /// <summary>The palette from <paramref name="start"/> on that the byte at <paramref name="flags"/> announces; nothing if there is none or it is cut off.</summary>
    static ReadOnlySpan<byte> Palette(ReadOnlySpan<byte> gif, int flags, int start)
    {
        if (start > gif.Length || (gif[flags] & HasPalette) == 0)
            return [];
        var length = 3 << ((gif[flags] & 7) + 1);
        return length <= gif.Length - start ? gif.Slice(start, length) : [];
    }
}
