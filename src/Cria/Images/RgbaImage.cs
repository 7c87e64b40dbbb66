using Cria.Kernels;

namespace Cria.Images;

/// <summary>A picture in memory outside the garbage collected heap: rows from the top, four bytes a pixel, red first; alpha is carried and never used.</summary>
sealed unsafe class RgbaImage : IDisposable
{
    /// <summary>A picture whose content is undefined.</summary>
    public RgbaImage(int width, int height)
    {
        (Width, Height) = (width, height);
        Pixels = (uint*)LargeMemory.Allocate((long)width * height * sizeof(uint));
    }

    public int Width { get; }

    public int Height { get; }

    public uint* Pixels { get; private set; }

    public uint* Row(int y) => Pixels + (nint)y * Width;

    /// <summary>Puts one pixel in the place of all that equal another.</summary>
    public void Replace(uint one, uint other)
    {
        for (var y = 0; y < Height; y++)
            new Span<uint>(Row(y), Width).Replace(one, other);
    }

    public void Dispose()
    {
        LargeMemory.Free(Pixels);
        Pixels = null;
    }
}
